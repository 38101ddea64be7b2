/**
 * Runs in the worker. Event streams of node's servers of HTTP, which end in order when the worker leaves.
 *
 * @module
 */

import type { ServerResponse } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import type { Writable } from "node:stream";
import { type EventStreams, isEventStream } from "../connections/event_streams.ts";

/** The head of a response is made: if it begins an event stream, that can be ended from now on. */
export function followNodeEventStream(response: ServerResponse, streams: EventStreams): void {
  const head: unknown = Reflect.get(response, "_header");
  // That of HTTP/2 is no text.
  const type = typeof head === "string"
    ? /^content-type: *([^\r]{1,100})/im.exec(head)?.[1]
    : response.getHeader("content-type");
  if (typeof type !== "string" || !isEventStream(type)) return;
  responses.add(Reflect.get(response, "stream") ?? response);
  response.once("close", streams.add(() => end(response)));
}

/** What has a response of its own, which ends it. */
const responses = new WeakSet<object>();

/** A stream of HTTP/2 begins, which a script may answer without a response of node's making. */
export function followNodeStream(stream: ServerHttp2Stream, streams: EventStreams): void {
  const { respond } = stream;
  // A server of the script's own making may emit what it likes.
  if (typeof respond !== "function") return;
  const follow: unknown = (...args: readonly unknown[]): unknown => {
    const result: unknown = Reflect.apply(respond, stream, args);
    const [, type] =
      Object.entries(stream.sentHeaders ?? {}).find(([name]) =>
        name.toLowerCase() === "content-type"
      ) ?? [];
    if (typeof type === "string" && isEventStream(type)) {
      stream.once("close", streams.add(() => responses.has(stream) || end(stream)));
    }
    return result;
  };
  stream.respond = follow as typeof respond;
}

/** Ends a response; what the script still writes is lost, as it is when a client has gone. */
function end(response: Writable): void {
  if (response.writableEnded || response.destroyed) return;
  response.end();
  Object.assign(response, {
    write: (...args: readonly unknown[]): boolean => {
      refuse(args);
      return false;
    },
    end: (...args: readonly unknown[]): Writable => {
      refuse(args);
      return response;
    },
  });
}

function refuse(args: readonly unknown[]): void {
  const done = args.find((one) => typeof one === "function");
  if (done !== undefined) queueMicrotask(() => done(new Error("The worker leaves")));
}
