/**
 * Runs in the worker. Sends a response to a proxy, no faster than the proxy takes it.
 *
 * @module
 */

import { isStreamed, knownBodySize } from "../serving/body_size.ts";
import { writeAll } from "../serving/connection_io.ts";
import { isBodiless, responseHead } from "./response.ts";

/** The part of a connection that is written here. */
export type Sink = Pick<Deno.Conn, "write">;

/**
 * Sends a response.
 *
 * @param bodiless True if only its head is wanted (HEAD).
 * @param gone Aborted when the client is gone: a stream ends then, whatever is short is still sent.
 * @throws {Error} If it could not be sent as a whole.
 */
export async function sendResponse(
  sink: Sink,
  response: Response,
  bodiless: boolean,
  gone: AbortSignal,
): Promise<void> {
  if (bodiless || isBodiless(response.status)) {
    const length = isBodiless(response.status) ? null : knownBodySize(response);
    await Promise.all([writeAll(sink, responseHead(response, length)), response.body?.cancel()]);
  } else if (response.body === null || !isStreamed(response)) {
    const body = new Uint8Array(await response.arrayBuffer());
    for (const part of joined(responseHead(response, body.length), body)) {
      await writeAll(sink, part);
    }
  } else {
    const head = responseHead(response, knownBodySize(response));
    await sendStream(sink, head, response.body, gone);
  }
}

/** Above this size a copy costs more than a second system call. */
const JOINED_BYTES = 65_536;

function joined(head: Uint8Array<ArrayBuffer>, body: Uint8Array): readonly Uint8Array[] {
  if (head.length + body.length > JOINED_BYTES) return [head, body];
  const both = new Uint8Array(head.length + body.length);
  both.set(head);
  both.set(body, head.length);
  return [both];
}

async function sendStream(
  sink: Sink,
  head: Uint8Array,
  body: ReadableStream<Uint8Array>,
  gone: AbortSignal,
): Promise<void> {
  const reader = body.getReader();
  const stop = (): void => void reader.cancel(gone.reason).catch(() => {});
  if (gone.aborted) stop();
  gone.addEventListener("abort", stop);
  try {
    await writeAll(sink, head);
    while (true) {
      const { done, value } = await reader.read();
      if (done) break;
      await writeAll(sink, piece(value));
    }
    gone.throwIfAborted();
  } catch (error) {
    await reader.cancel(error).catch(() => {});
    throw error;
  } finally {
    gone.removeEventListener("abort", stop);
  }
}

function piece(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new TypeError("The body of a response must be a stream of Uint8Array");
}
