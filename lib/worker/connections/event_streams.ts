/**
 * Runs in the worker. Event streams (`text/event-stream`) of one socket, which nobody but the server ends:
 * when the worker leaves they end in order, with a last chunk or END_STREAM, and EventSource connects anew
 * by itself. Cut off, they would be errors to clients and to proxies in between.
 *
 * @module
 */

import { after } from "../../system/timing.ts";

/** What has event streams. */
export interface HasEventStreams {
  /** Ends its event streams in order, those that begin later at their begin; returns how many there were. */
  endEventStreams?(): number;
}

/** Ends the event streams of all these in order; returns how many there were. */
export function endEventStreams(served: readonly HasEventStreams[]): number {
  return served.reduce((sum, one) => sum + (one.endEventStreams?.() ?? 0), 0);
}

/** True if a value of `content-type` says so. */
export function isEventStream(type: string | null | undefined): boolean {
  return type?.trimStart().slice(0, NAME.length).toLowerCase() === NAME;
}

const NAME = "text/event-stream";

/** The event streams that are being sent. */
export class EventStreams {
  readonly #ends = new Set<() => void>();
  #ending = false;

  /**
   * One has begun.
   *
   * @param end Ends it in order, and does not fail.
   * @returns To be called when it is over.
   */
  add(end: () => void): () => void {
    // Its head is sent first.
    if (this.#ending) after(0, end);
    else this.#ends.add(end);
    return () => void this.#ends.delete(end);
  }

  /** Ends all of them, and from now on each that begins; returns how many there were. */
  end(): number {
    this.#ending = true;
    const ends = [...this.#ends];
    this.#ends.clear();
    for (const end of ends) end();
    return ends.length;
  }
}

/** Why the script's stream is cancelled, which it also is when its client goes. */
const REASON = "The worker leaves, and has ended this event stream";

/**
 * Ends the body of a response in order: it is cancelled as by whoever reads it, which only Deno has the
 * means for. Where a version of Deno keeps the reader elsewhere, the stream goes on.
 */
export function endBody(body: ReadableStream): void {
  if (!body.locked) return void body.cancel(REASON).catch(() => {});
  const at = Object.getOwnPropertySymbols(body).find(({ description }) =>
    description === "[[reader]]"
  );
  const reader = at === undefined ? undefined : Reflect.get(body, at);
  if (reader instanceof ReadableStreamDefaultReader) void reader.cancel(REASON).catch(() => {});
}
