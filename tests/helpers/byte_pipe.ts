/**
 * Streams in memory for the control pipe: what the other end writes, and what is written to it, is in
 * the hands of a test.
 *
 * @module
 */
import type { ByteStream } from "../../lib/protocol/channel.ts";

/** One end of a pipe whose other end a test plays. */
export class ByteFeed implements ByteStream {
  /** Everything that was written to it. */
  readonly written: Uint8Array[] = [];
  /** True once it was closed from this side. */
  closed = false;
  /** Most bytes that one write takes. */
  writeLimit = Infinity;
  /** Writes fail from now on, as on a pipe that the other end has left. */
  broken = false;
  readonly #chunks: Iterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  /** Reads give these chunks, at most as many bytes at once as there is room for, then the end. */
  constructor(chunks: Iterable<Uint8Array> = []) {
    this.#chunks = chunks[Symbol.iterator]();
  }

  /** How many chunks were taken. */
  taken = 0;

  read(into: Uint8Array): Promise<number | null> {
    while (this.#rest.length === 0) {
      const { value, done } = this.#chunks.next();
      if (done) return Promise.resolve(null);
      this.taken++;
      this.#rest = value;
    }
    const length = Math.min(into.length, this.#rest.length);
    into.set(this.#rest.subarray(0, length));
    this.#rest = this.#rest.subarray(length);
    return Promise.resolve(length);
  }

  async write(bytes: Uint8Array): Promise<number> {
    await Promise.resolve();
    if (this.broken) throw new Deno.errors.BrokenPipe("Broken pipe");
    if (this.closed) throw new Deno.errors.BadResource("Bad resource ID");
    const length = Math.min(bytes.length, this.writeLimit);
    this.written.push(bytes.slice(0, length));
    return length;
  }

  close(): void {
    if (this.closed) throw new Deno.errors.BadResource("Bad resource ID");
    this.closed = true;
  }

  /** Everything that was written, as text. */
  get text(): string {
    const decoder = new TextDecoder();
    return this.written.map((bytes) => decoder.decode(bytes, { stream: true })).join("");
  }
}
