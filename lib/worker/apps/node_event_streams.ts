/**
 * Runs in the worker. Event streams of node's servers, which end in order when the worker leaves.
 *
 * @module
 */

import type { ServerResponse } from "node:http";
import { type EventStreams, isEventStream } from "../event_streams.ts";

/** The head of a response is made: if it begins an event stream, that can be ended from now on. */
export function followNodeEventStream(response: ServerResponse, streams: EventStreams): void {
  const head: unknown = Reflect.get(response, "_header");
  // That of HTTP/2 is no text.
  const type = typeof head === "string"
    ? /^content-type: *([^\r]{1,100})/im.exec(head)?.[1]
    : response.getHeader("content-type");
  if (typeof type !== "string" || !isEventStream(type)) return;
  response.once("close", streams.add(() => end(response)));
}

/** Ends a response; what the script still writes is lost, as it is when a client has gone. */
function end(response: ServerResponse): void {
  if (response.writableEnded || response.destroyed) return;
  response.end();
  Object.assign(response, {
    write: (...args: readonly unknown[]): boolean => {
      refuse(args);
      return false;
    },
    end: (...args: readonly unknown[]): ServerResponse => {
      refuse(args);
      return response;
    },
  });
}

function refuse(args: readonly unknown[]): void {
  const done = args.find((one) => typeof one === "function");
  if (done !== undefined) queueMicrotask(() => done(new Error("The worker leaves")));
}
