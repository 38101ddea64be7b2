/**
 * Runs in the worker. Serves HTTP on a socket of the instance: requests are counted on the scoreboard,
 * and while the worker retires, responses ask their clients to go.
 *
 * @module
 */

import { bodySize, isStreamed, streamOf } from "./body_size.ts";
import {
  beginExchange,
  endExchange,
  noteRequest,
  noteStream,
} from "../connections/client_activity.ts";
import { closingRule, speaksHttp2 } from "../connections/connection_close_rule.ts";
import { clientKey } from "../connections/client_connections.ts";
import { endBody, type EventStreams, isEventStream } from "../connections/event_streams.ts";
import { cancelClose, expectClose } from "../draining/connection_close.ts";
import type { Http2Streams } from "../connections/http2_streams.ts";
import { requestVariables } from "../counting/request_annotations.ts";
import { type BegunRequest, requestMeter } from "../counting/request_meter.ts";
import type { ErrorHandler, Handler, Handling } from "../handler.ts";

/** What is known of the connections that requests come on. */
export interface Transport {
  /** True if they are encrypted. */
  readonly secure: boolean;
  /** True if a client is named after its connection; a proxy may use one name for several. */
  readonly direct: boolean;
  /** Told of the streams of HTTP/2 while the worker retires. */
  readonly streams: Http2Streams;
  /** Told of event streams. */
  readonly events: EventStreams;
}

/** What Deno answers when a handler threw and nobody makes a response from that. */
export const UNHANDLED = { status: 500, bytes: "Internal Server Error".length } as const;

/** Looked up once, because it is a getter, and late: a start does not wait for Deno to load it. */
let ResponseClass: typeof Response | null = null;

/** True if it is a response as Deno takes it. */
export function isResponse(value: unknown): value is Response {
  ResponseClass ??= Response;
  return value instanceof ResponseClass;
}

let follow: ((handling: Handling) => Handling) | null = null;

/**
 * Called by preloads that are to see each request: what `wrap` returns is served instead. What the first of
 * them returns is asked first.
 */
export function followRequests(wrap: (handling: Handling) => Handling): void {
  const first = follow;
  follow = first === null ? wrap : (handling) => first(wrap(handling));
}

/** Wraps what a script wants to be served: requests and their responses are counted. */
export function countedHandling(handling: Handling, transport: Transport): Handling {
  const { handler, onError } = follow?.(handling) ?? handling;
  if (onError === undefined) return { handler: counted(handler, false, transport) };
  return { handler: counted(handler, true, transport), onError: countedErrors(onError) };
}

/**
 * Wraps a handler. As long as the worker is not retiring, all that is added are a few numbers in
 * shared memory.
 *
 * @param answersErrors True if there is an error handler, which is wrapped by {@linkcode countedErrors}.
 */
function counted(handler: Handler, answersErrors: boolean, transport: Transport): Handler {
  const meter = requestMeter();
  const failed = (begun: BegunRequest): void => {
    meter.threw(begun);
    if (!answersErrors) meter.responded(UNHANDLED.status, UNHANDLED.bytes);
  };
  const fail = (begun: BegunRequest, error: unknown): never => {
    failed(begun);
    throw error;
  };
  const awaited = (
    result: Promise<Response>,
    begun: BegunRequest,
    request: Request,
    info: Deno.ServeHandlerInfo<Deno.Addr>,
    mayClose: boolean,
  ): Promise<Response> => {
    const exchange = beginExchange(request, info);
    return Promise.resolve(result).then((response) => {
      endExchange(exchange);
      // What is no response at all fails in Deno like any other mistake of the handler.
      if (isResponse(response)) {
        meter.answered(begun, response.status, bodySize(response));
        if (isStreamed(response)) beginStream(request, response, info, transport);
      } else failed(begun);
      return closing(request, response, info, mayClose, transport);
    }, (error) => {
      endExchange(exchange);
      return fail(begun, error);
    });
  };
  // Has no closures of its own: what they keep would be allocated for each request.
  return (request, info) => {
    const begun = meter.begin(request);
    noteRequest(request, info);
    // An upgrade takes the client's address away, so it is asked for before the handler runs.
    const rule = closingRule();
    const connection = rule === null ? null : connectionOf(info);
    if (connection !== null) {
      if (transport.direct && rule?.hasClosed(connection) === true) cancelClose(connection);
      if (speaksHttp2(request.headers)) transport.streams.begin(connection, info.completed);
    }
    let result: Response | Promise<Response>;
    try {
      result = handler(request, info);
    } catch (error) {
      return fail(begun, error);
    }
    if (!isResponse(result)) {
      return awaited(result, begun, request, info, mayCloseNow(connection));
    }
    meter.answered(begun, result.status, bodySize(result));
    if (isStreamed(result)) beginStream(request, result, info, transport);
    return rule === null
      ? result
      : closing(request, result, info, mayCloseNow(connection), transport);
  };
}

/** A response is a stream, which may take as long as it likes; event streams can be ended. */
function beginStream(
  request: Request,
  response: Response,
  info: Deno.ServeHandlerInfo<Deno.Addr>,
  { events }: Transport,
): void {
  noteStream(request, info, response);
  const stream = streamOf(response);
  if (stream === null || !isEventStream(stream.type)) return;
  const over = events.add(() => endBody(stream.body));
  info.completed.then(over, over);
}

function mayCloseNow(connection: string | null): boolean {
  return connection !== null && (closingRule()?.mayClose(connection, performance.now()) ?? false);
}

/** Wraps an error handler: its responses are counted. */
function countedErrors(onError: ErrorHandler): ErrorHandler {
  const meter = requestMeter();
  return async (error) => {
    try {
      const response = await onError(error);
      if (isResponse(response)) meter.responded(response.status, bodySize(response));
      return response;
    } catch (failure) {
      meter.responded(UNHANDLED.status, UNHANDLED.bytes);
      throw failure;
    }
  };
}

/** What names the connection that a request came on; empty where connections have no name. */
export function connectionOf(info: Deno.ServeHandlerInfo<Deno.Addr>): string {
  const address = info.remoteAddr;
  return address.transport === "tcp" ? clientKey(address.hostname, address.port) : "";
}

/**
 * Adds `Connection: close` where the rule allows it. A protocol switch has no say in that, and HTTP/2 has
 * no such header.
 */
function closing(
  request: Request,
  response: Response,
  info: Deno.ServeHandlerInfo<Deno.Addr>,
  mayClose: boolean,
  { secure, direct, streams }: Transport,
): Response {
  const rule = closingRule();
  if (rule === null || response.status === 101) return response;
  if (speaksHttp2(request.headers)) {
    streams.respond(isStreamed(response) ? null : bodySize(response));
    return response;
  }
  const connection = connectionOf(info);
  // Whoever goes on after a response that closes does not know what that means.
  const goesOn = direct && rule.hasClosed(connection);
  rule.responded(connection, performance.now(), mayClose);
  if (!mayClose) return response;
  const taken = () => expectClose(connection);
  // A response that could not be sent is the end of its connection as well. Under TLS, an end that only
  // TCP has would look like an attack: there it is left to the client, which has to (RFC 9112, 9.6). What a
  // proxy says of the URL does not count.
  if (!secure) info.completed.then(taken, taken);
  const answer = goesOn || mayBeHttp10(request) ? asStream(request, response) : response;
  return withConnectionClose(answer);
}

/**
 * HTTP/1.0 keeps connections for who asks for that, and Deno adds `Connection: keep-alive` to each response
 * then, beside what it says itself. The version of a request cannot be known here, but clients of HTTP/1.0
 * write the header like this, and those of HTTP/1.1 seldom do.
 */
function mayBeHttp10(request: Request): boolean {
  return request.headers.get("connection") === "Keep-Alive";
}

/**
 * The same with a body whose length is not known: in HTTP/1.0 its end is that of the connection, and Deno
 * adds nothing. What says its length itself, and what a proxy is answered in another protocol, stays as it
 * is.
 */
function asStream(request: Request, response: Response): Response {
  if (request.method === "HEAD" || requestVariables(request) !== null) return response;
  if (isStreamed(response) || response.headers.has("content-length")) return response;
  const { body, status, statusText, headers } = response;
  if (body === null) return response;
  return new Response(body.pipeThrough(new TransformStream()), { status, statusText, headers });
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
