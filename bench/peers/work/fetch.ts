/**
 * The handler for servers that hand out a `Request`.
 *
 * @module
 */

import { answer } from "./work.mjs";

/** A handler that answers as this worker. */
export function handlerOf(worker: number): (request: Request) => Response {
  return (request) => {
    const found = answer(new URL(request.url).pathname, worker);
    if (found === null) return new Response("Not found\n", { status: 404 });
    const [body, type] = found;
    return new Response(body, { headers: { "content-type": type } });
  };
}
