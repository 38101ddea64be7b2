/**
 * Runs in the worker. Tells the request log what `Deno.serve` knows of a request.
 *
 * @module
 */

import { isStreamed, knownBodySize } from "../body_size.ts";
import { type Handler, type Handling, UNHANDLED } from "../http.ts";
import type { RequestFacts, RequestOutcome } from "./record.ts";
import type { OpenRequest, RequestLog } from "./request_log.ts";

/** A handler threw, and nobody has made a response from that. */
const UNANSWERED: RequestOutcome = { ...UNHANDLED, failed: false };

/** Wraps a handler, and its error handler: the log is told of every request. */
export function logged({ handler, onError }: Handling, log: RequestLog): Handling {
  if (onError === undefined) return { handler: loggedHandler(handler, log, endUnhandled(log)) };
  // Deno says which error there was, and not in which request.
  const failed = new Map<unknown, Begun[]>();
  const fail = (begun: Begun, error: unknown) => {
    const others = failed.get(error);
    if (others === undefined) failed.set(error, [begun]);
    else others.push(begun);
  };
  const take = (error: unknown): Begun | undefined => {
    const all = failed.get(error);
    const begun = all?.shift();
    if (all?.length === 0) failed.delete(error);
    return begun;
  };
  return {
    handler: loggedHandler(handler, log, fail),
    onError: async (error) => {
      const begun = take(error);
      try {
        const response = await onError(error);
        if (begun !== undefined) endWith(response, begun, log);
        return response;
      } catch (mistake) {
        if (begun !== undefined) log.end(begun.open, UNANSWERED);
        throw mistake;
      }
    },
  };
}

/** A request that has begun, and where the server says how it ended. */
interface Begun {
  readonly open: OpenRequest;
  readonly info: Deno.ServeHandlerInfo<Deno.Addr>;
}

function endUnhandled(log: RequestLog): (begun: Begun) => void {
  return ({ open }) => log.end(open, UNANSWERED);
}

function loggedHandler(
  handler: Handler,
  log: RequestLog,
  fail: (begun: Begun, error: unknown) => void,
): Handler {
  return (request, info) => {
    const open = log.begin(request, factsOf(request, info, log.headers));
    let result: Response | Promise<Response>;
    try {
      result = handler(request, info);
    } catch (error) {
      fail({ open, info }, error);
      throw error;
    }
    if (result instanceof Response) {
      endWith(result, { open, info }, log);
      return result;
    }
    return Promise.resolve(result).then((response) => {
      endWith(response, { open, info }, log);
      return response;
    }, (error) => {
      fail({ open, info }, error);
      throw error;
    });
  };
}

/**
 * A body that is there as a whole goes to the kernel at once, or waits there for its client; for a
 * stream there is more to wait for.
 */
function endWith(response: unknown, { open, info }: Begun, log: RequestLog): void {
  // What is no response is a mistake that Deno answers.
  if (!(response instanceof Response)) return log.end(open, UNANSWERED);
  const { status } = response;
  const bytes = open.facts.method === "HEAD" ? 0 : knownBodySize(response);
  const outcome = { status, bytes, failed: false };
  // An upgraded connection is no response any more.
  if (status === 101 || !isStreamed(response)) log.end(open, outcome);
  else log.stream(open, outcome, info.completed);
}

/** They are asked for before the handler runs: an upgrade takes some of them away. */
function factsOf(
  request: Request,
  info: Deno.ServeHandlerInfo<Deno.Addr>,
  headers: readonly string[],
): RequestFacts {
  const { remoteAddr } = info;
  const isTcp = remoteAddr.transport === "tcp";
  return {
    method: request.method,
    uri: pathOf(request.url),
    address: isTcp ? remoteAddr.hostname : "",
    port: isTcp ? remoteAddr.port : 0,
    protocol: null,
    headers: headers.length === 0 ? NONE : headers.map((name) => request.headers.get(name)),
  };
}

const NONE: readonly never[] = [];

/** What comes behind scheme and host of a URL. */
function pathOf(url: string): string {
  const path = url.indexOf("/", url.indexOf("://") + "://".length);
  return path < 0 ? "/" : url.slice(path);
}
