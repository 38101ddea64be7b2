/**
 * Runs in the worker. Serves HTTP on a socket of the instance: requests are counted on the scoreboard,
 * and while the worker retires, responses ask their clients to go.
 *
 * @module
 */

import { ClosingRule } from "./closing_rule.ts";
import { clientKey } from "./connections.ts";
import { expectFarewell } from "./farewells.ts";
import { type Flight, InFlight } from "./in_flight.ts";
import { currentInstance } from "./instance.ts";

/** Handles a request, as for `Deno.serve`. */
export type Handler = (
  request: Request,
  info: Deno.ServeHandlerInfo<Deno.Addr>,
) => Response | Promise<Response>;

let rule: ClosingRule | null = null;

/** From now on, responses close their connections. */
export function beginClosing(): void {
  rule ??= new ClosingRule();
}

/** From now on, connections may stay. */
export function endClosing(): void {
  rule = null;
}

let requests: InFlight | null = null;

/**
 * Wraps a handler. As long as the worker is not retiring, all that is added are a few numbers in
 * shared memory.
 */
export function counted(handler: Handler): Handler {
  const { scoreboard, environment, lane } = currentInstance();
  const inFlight = requests ??= new InFlight(lane, environment.namesRequests);
  const count = scoreboard.counter(environment.slot, "requests");
  const countException = scoreboard.counter(environment.slot, "exceptions");
  const fail = (flight: Flight | null, error: unknown): never => {
    inFlight.end(flight);
    countException();
    throw error;
  };
  return (request, info) => {
    count();
    const flight = inFlight.begin(request);
    // An upgrade takes the client's address away, so it is asked for before the handler runs.
    const connection = rule === null ? null : connectionOf(info);
    let result: Response | Promise<Response>;
    try {
      result = handler(request, info);
    } catch (error) {
      return fail(flight, error);
    }
    if (result instanceof Response) {
      inFlight.end(flight);
      if (rule === null) return result;
    }
    const mayClose = connection !== null &&
      (rule?.mayClose(connection, performance.now()) ?? false);
    if (result instanceof Response) return closing(result, info, mayClose);
    // What is no response at all fails in there like any other mistake of the handler.
    return Promise.resolve(result).then((response) => {
      inFlight.end(flight);
      return closing(response, info, mayClose);
    }, (error) => fail(flight, error));
  };
}

function connectionOf(info: Deno.ServeHandlerInfo<Deno.Addr>): string {
  const address = info.remoteAddr;
  return address.transport === "tcp" ? clientKey(address.hostname, address.port) : "";
}

/** Adds `Connection: close` where the rule allows it. A protocol switch has no say in that. */
function closing(
  response: Response,
  info: Deno.ServeHandlerInfo<Deno.Addr>,
  mayClose: boolean,
): Response {
  if (rule === null || response.status === 101) return response;
  const connection = connectionOf(info);
  rule.responded(connection, performance.now());
  if (!mayClose) return response;
  const taken = () => expectFarewell(connection);
  // A response that could not be sent is the end of its connection as well.
  info.completed.then(taken, taken);
  return withConnectionClose(response);
}

function withConnectionClose(response: Response): Response {
  try {
    response.headers.set("connection", "close");
    return response;
  } catch {
    // The headers of a fetched or redirecting response cannot be changed: answer with a copy.
    const { status, statusText } = response;
    const headers = new Headers(response.headers);
    headers.set("connection", "close");
    return new Response(response.body, { status, statusText, headers });
  }
}
