/**
 * Runs in the worker. Tells the request log what `Deno.serve` knows of a request.
 *
 * @module
 */

import { isStreamed, knownBodySize } from "../serving/body_size.ts";
import { isResponse, UNHANDLED } from "../serving/http.ts";
import { requestVariables } from "../counting/request_annotations.ts";
import type { RequestFacts, RequestRecord } from "../request_record.ts";
import type { RequestLog } from "./request_log.ts";
import type { Handler, Handling } from "../handler.ts";

type Info = Deno.ServeHandlerInfo<Deno.Addr>;

/** Wraps a handler, and its error handler: the log is told of every request. */
export function logged({ handler, onError }: Handling, log: RequestLog): Handling {
  if (onError === undefined) {
    return { handler: loggedHandler(handler, log, ({ record }) => unanswered(record, log)) };
  }
  // Deno says which error there was, and not in which request.
  const failed = new Map<unknown, Failed[]>();
  const fail = (request: Failed, error: unknown) => {
    const others = failed.get(error);
    if (others === undefined) failed.set(error, [request]);
    else others.push(request);
  };
  const take = (error: unknown): Failed | undefined => {
    const all = failed.get(error);
    const request = all?.shift();
    if (all?.length === 0) failed.delete(error);
    return request;
  };
  return {
    handler: loggedHandler(handler, log, fail),
    onError: async (error) => {
      const request = take(error);
      try {
        const response = await onError(error);
        if (request !== undefined) endWith(response, request.record, request.info, log);
        return response;
      } catch (mistake) {
        if (request !== undefined) unanswered(request.record, log);
        throw mistake;
      }
    },
  };
}

/** A request whose handler threw, and where the server says how it ended. */
interface Failed {
  readonly record: RequestRecord;
  readonly info: Info;
}

/** A handler threw, and nobody has made a response from that. */
function unanswered(record: RequestRecord, log: RequestLog): void {
  log.end(record, UNHANDLED.status, UNHANDLED.bytes, false);
}

function loggedHandler(
  handler: Handler,
  log: RequestLog,
  fail: (request: Failed, error: unknown) => void,
): Handler {
  const awaited = (result: Promise<Response>, record: RequestRecord, info: Info) =>
    Promise.resolve(result).then((response) => {
      endWith(response, record, info, log);
      return response;
    }, (error) => {
      fail({ record, info }, error);
      throw error;
    });
  // Has no closures of its own: what they keep would be allocated for each request.
  return (request, info) => {
    const record = log.begin(request, factsOf(request, info, log.headers));
    let result: Response | Promise<Response>;
    try {
      result = handler(request, info);
    } catch (error) {
      fail({ record, info }, error);
      throw error;
    }
    if (!isResponse(result)) return awaited(result, record, info);
    endWith(result, record, info, log);
    return result;
  };
}

/**
 * A body that is there as a whole goes to the kernel at once, or waits there for its client; for a
 * stream there is more to wait for.
 */
function endWith(response: unknown, record: RequestRecord, info: Info, log: RequestLog): void {
  // What is no response is a mistake that Deno answers.
  if (!isResponse(response)) return unanswered(record, log);
  const { status } = response;
  const bytes = record.method === "HEAD" ? 0 : knownBodySize(response);
  // An upgraded connection is no response any more.
  if (status === 101 || !isStreamed(response)) log.end(record, status, bytes, false);
  else log.stream(record, status, bytes, info.completed);
}

/** They are asked for before the handler runs: an upgrade takes some of them away. */
function factsOf(
  request: Request,
  info: Info,
  headers: readonly string[],
): RequestFacts {
  const { remoteAddr } = info;
  const isTcp = remoteAddr.transport === "tcp";
  return {
    method: request.method,
    uri: pathOf(request.url),
    address: isTcp ? remoteAddr.hostname : "",
    port: isTcp ? remoteAddr.port : 0,
    secure: request.url.startsWith("https:"),
    // Deno does not tell its own; a proxy that speaks the uwsgi protocol tells that of its client.
    protocol: requestVariables(request)?.get("SERVER_PROTOCOL") ?? null,
    headers: headers.length === 0 ? NONE : headers.map((name) => request.headers.get(name)),
  };
}

const NONE: readonly never[] = [];

/** What comes behind scheme and host of a URL. */
function pathOf(url: string): string {
  const path = url.indexOf("/", url.indexOf("://") + "://".length);
  return path < 0 ? "/" : url.slice(path);
}
