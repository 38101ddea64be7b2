/**
 * Runs in the worker. One connection of a proxy in the uwsgi protocol: a request, its response, the end.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import type { ProxySettings } from "../../protocol/proxy_settings.ts";
import { UNHANDLED } from "../serving/http.ts";
import { fulfilledWithin } from "../../system/timing.ts";
import { closeQuietly, sendAtOnce } from "../serving/connection_io.ts";
import { keepRequestVariables } from "../counting/request_annotations.ts";
import { Incoming, type Packet, receivePacket } from "./incoming.ts";
import { sendResponse } from "./outgoing.ts";
import { Refusal } from "./packet.ts";
import { type RequestHead, requestHead } from "./request.ts";
import type { Handling } from "../handler.ts";

/** What connections are served with. */
export interface ConnectionSetup extends Handling {
  readonly settings: ProxySettings;
  /** How long a client may send nothing of a body, in milliseconds. 0: no limit. */
  readonly bodyMs: number;
  /** Told of requests that are not served. */
  readonly refused: (refusal: Refusal) => void;
}

/** Serves a connection until its end. It never fails: what goes wrong is the client's loss, or logged. */
export async function serveConnection(conn: Deno.Conn, setup: ConnectionSetup): Promise<void> {
  sendAtOnce(conn);
  try {
    const packet = await receivePacket(conn, setup.settings);
    if (packet === null) return;
    await new Exchange(conn, setup).run(packet);
  } catch (error) {
    if (error instanceof Refusal) await refuse(conn, error, setup);
    // Everything else is a client that has gone.
  } finally {
    closeQuietly(conn);
  }
}

/** A request and its response. */
class Exchange {
  readonly #conn: Deno.Conn;
  readonly #setup: ConnectionSetup;
  readonly #gone = new AbortController();
  #over = false;

  constructor(conn: Deno.Conn, setup: ConnectionSetup) {
    this.#conn = conn;
    this.#setup = setup;
  }

  async run({ variables, rest }: Packet): Promise<void> {
    const named = new Map(variables);
    const head = requestHead(variables, named);
    const gone = () => this.#end(new Deno.errors.ConnectionAborted("The client has gone"));
    const incoming = new Incoming(this.#conn, rest, head.length, gone, this.#setup.bodyMs);
    const request = this.#request(head, incoming);
    keepRequestVariables(request, named);
    const completed = Promise.withResolvers<void>();
    // Nobody has to ask how it ended.
    completed.promise.catch(() => {});
    const remoteAddr = this.#client(head);
    const response = await this.#respond(request, { remoteAddr, completed: completed.promise });
    try {
      await sendResponse(this.#conn, response, head.method === "HEAD", this.#gone.signal);
    } catch (error) {
      this.#end(error);
      completed.reject(error);
      throw error;
    }
    this.#over = true;
    completed.resolve();
    await linger(this.#conn, incoming, this.#setup.settings.timeoutMs);
  }

  #end(reason: unknown): void {
    if (!this.#over) this.#gone.abort(reason);
    this.#over = true;
  }

  #request({ method, url, headers }: RequestHead, incoming: Incoming): Request {
    const { signal } = this.#gone;
    const mayHaveBody = !/^(get|head)$/i.test(method);
    try {
      const body = mayHaveBody ? incoming.body() : null;
      if (!mayHaveBody) void incoming.ended();
      return new Request(url, { method, headers, body, signal });
    } catch (error) {
      throw new Refusal(400, errorText(error));
    }
  }

  #client({ client }: RequestHead): Deno.Addr {
    return client === null ? this.#conn.remoteAddr : { transport: "tcp", ...client };
  }

  async #respond(request: Request, info: Deno.ServeHandlerInfo<Deno.Addr>): Promise<Response> {
    const { handler, onError } = this.#setup;
    try {
      try {
        return usable(await handler(request, info));
      } catch (error) {
        if (onError === undefined) throw error;
        return usable(await onError(error));
      }
    } catch (error) {
      console.error(error);
      return new Response("Internal Server Error", { status: UNHANDLED.status });
    }
  }
}

/** The mistakes that `Deno.serve` finds as well. */
function usable(response: Response): Response {
  if (!(response instanceof Response)) {
    throw new TypeError("A handler must return a Response, or a promise of one");
  }
  if (response.bodyUsed) throw new TypeError("The body of the response was consumed already");
  if (response.type === "error") throw new TypeError("A handler must not return Response.error()");
  return response;
}

/** A connection that is closed while there is something to read is reset, and its response may be lost. */
async function linger(conn: Deno.Conn, incoming: Incoming, timeoutMs: number): Promise<void> {
  await conn.closeWrite();
  await fulfilledWithin(incoming.ended(), timeoutMs);
}

async function refuse(
  conn: Deno.Conn,
  refusal: Refusal,
  { refused, settings }: ConnectionSetup,
): Promise<void> {
  refused(refusal);
  const { status, message } = refusal;
  try {
    const incoming = new Incoming(conn, new Uint8Array(0), 0, () => {});
    const response = new Response(`Refused: ${message}\n`, { status });
    await sendResponse(conn, response, false, new AbortController().signal);
    await linger(conn, incoming, settings.timeoutMs);
  } catch {
    // Whoever does not want to know why has gone.
  }
}
