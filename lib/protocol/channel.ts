/**
 * The control pipe: one connected stream per worker, both directions, one JSON message per line. Its
 * end is the death notice of whoever held the other end.
 *
 * @module
 */

import { MAX_MESSAGE_BYTES, ProtocolError } from "./message.ts";

/** A stream of bytes in both directions: what `Deno.Conn` offers of itself here. */
export interface ByteStream {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** One end of a control pipe: sends `Out` messages, receives `In` messages. */
export class Channel<In, Out> {
  #stream: Promise<ByteStream>;
  readonly #decode: (text: string) => In | null;
  readonly #longest: number;
  readonly #mostUnsent: number;
  #sending: Promise<void> = Promise.resolve();
  #unsent = 0;
  #closed = false;
  #overflowed = false;

  /**
   * Takes the stream, which may still be connecting, and the reader of the other end's messages.
   *
   * @param longest How many bytes one of these may have. @default MAX_MESSAGE_BYTES
   * @param mostUnsent How many bytes wait for another end that does not read: the pipe is closed when
   * there are more. @default Infinity
   */
  constructor(
    stream: ByteStream | Promise<ByteStream>,
    decode: (text: string) => In | null,
    longest = MAX_MESSAGE_BYTES,
    mostUnsent = Infinity,
  ) {
    this.#stream = Promise.resolve(stream);
    this.#decode = decode;
    this.#longest = longest;
    this.#mostUnsent = mostUnsent;
  }

  /** Goes on over another stream, after the end of the one before. */
  renew(stream: Promise<ByteStream>): void {
    this.#stream = stream;
    this.#closed = false;
  }

  /** Sends a message; messages leave in the order of the calls. Nothing happens on a closed pipe. */
  send(message: Out): void {
    const bytes = new TextEncoder().encode(JSON.stringify(message) + "\n");
    if (bytes.length > MAX_MESSAGE_BYTES) {
      throw new ProtocolError(
        `A message of ${bytes.length} bytes is too long for the control pipe`,
      );
    }
    if (this.#closed) return;
    this.#unsent += bytes.length;
    if (this.#unsent > this.#mostUnsent) {
      this.#overflowed = true;
      return this.close();
    }
    // A write fails when the other end is gone, and then `receive` sees the end: one place to learn it.
    this.#sending = this.#sending.then(() => this.#writeAll(bytes)).catch(() => {})
      .finally(() => this.#unsent -= bytes.length);
  }

  /** True if the pipe was closed because the other end does not read. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** Resolves when everything that was sent has left this process, or the pipe is closed. */
  flush(): Promise<void> {
    return this.#sending;
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    const stream = await this.#stream;
    let rest = bytes;
    while (rest.length > 0 && !this.#closed) rest = rest.subarray(await stream.write(rest));
  }

  /**
   * The other end's messages until it is gone. Unknown message types are skipped.
   *
   * @throws {ProtocolError} If the other end sends what is not a message.
   */
  async *receive(): AsyncGenerator<In> {
    const chunk = new Uint8Array(4096);
    const lines = new LineBuffer(this.#longest);
    while (true) {
      const length = await this.#read(chunk);
      if (length === null) return;
      for (const line of lines.take(chunk.subarray(0, length))) {
        const message = this.#decode(line);
        if (message !== null) yield message;
      }
    }
  }

  async #read(into: Uint8Array): Promise<number | null> {
    try {
      return await (await this.#stream).read(into);
    } catch {
      // A reset, or our own close while reading: the end, as much as an orderly one.
      return null;
    }
  }

  /** Closes the pipe; the other end sees the end of it. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // Where there never was a stream, there is nothing to close.
    void this.#stream.then((stream) => stream.close()).catch(() => {});
  }
}

const NEWLINE = 10;

/** Cuts a stream of bytes into lines, none of them longer than a message may be. */
class LineBuffer {
  readonly #longest: number;
  #parts: Uint8Array[] = [];
  #length = 0;

  constructor(longest: number) {
    this.#longest = longest;
  }

  /** The lines that end in these bytes. */
  *take(bytes: Uint8Array): Generator<string> {
    let rest = bytes;
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      this.#add(rest.subarray(0, end + 1));
      rest = rest.subarray(end + 1);
      yield this.#line();
    }
    this.#add(rest.slice());
  }

  #add(part: Uint8Array): void {
    this.#length += part.length;
    if (this.#length > this.#longest) throw new ProtocolError("A message is too long");
    this.#parts.push(part);
  }

  #line(): string {
    const whole = new Uint8Array(this.#length - 1);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part.subarray(0, whole.length - at), at);
      at += part.length;
    }
    this.#parts = [];
    this.#length = 0;
    return new TextDecoder().decode(whole);
  }
}
