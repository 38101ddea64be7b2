/**
 * The server of `node:http`, for Deno and Node alike.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createServer } from "node:http";
import process from "node:process";
import { answer } from "./work.mjs";

/**
 * Listens on the port that the environment names.
 *
 * @param {number} worker Number of this worker.
 * @param {() => void} [listening] Called when it listens.
 * @returns {import("node:http").Server}
 */
function listen(worker, listening) {
  const server = createServer((request, response) => {
    const [body, type] = answer(request.url ?? "", worker) ?? ["Not found\n", null];
    response.writeHead(type === null ? 404 : 200, {
      "content-type": type ?? "text/plain",
      "content-length": Buffer.byteLength(body),
    });
    response.end(body);
  });
  return server.listen(Number(process.env.PORT), "127.0.0.1", listening);
}

export { listen };
