/**
 * One raw connection: buffered reading with a deadline, and nothing that would hide a loss.
 *
 * @module
 */
import { LoadFailure } from "./failure.ts";

const INITIAL_BUFFER = 4096;

/** A connection under test. Every method throws a {@linkcode LoadFailure} or Deno's own error. */
export class Connection {
  /** When the sweep ends the connection, on the clock of `performance.now()`. */
  deadline = Infinity;
  /** What is read and not yet consumed is `buffer.subarray(start, end)`. */
  buffer = new Uint8Array(INITIAL_BUFFER);
  start = 0;
  end = 0;
  readonly #conn: Deno.Conn;
  /** A read that was started while idle, and what came of it. */
  #pending: Promise<number | null> | null = null;
  #settled = false;
  #expired = false;

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  /** Bytes read and not yet consumed. */
  get buffered(): number {
    return this.end - this.start;
  }

  /** Writes all of it. */
  async send(bytes: Uint8Array): Promise<void> {
    try {
      let sent = await this.#conn.write(bytes);
      while (sent < bytes.length) sent += await this.#conn.write(bytes.subarray(sent));
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /** Reads some bytes more; false at the end of the connection. */
  async fill(): Promise<boolean> {
    try {
      const count = await (this.#pending ?? this.#read());
      this.#pending = null;
      this.end += count ?? 0;
      return count !== null;
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /** Reads until so many bytes are buffered; an end before that is a failure. */
  async need(count: number, what: string): Promise<void> {
    while (this.buffered < count) {
      if (!await this.fill()) {
        throw new LoadFailure("eof-mid-response", `${what}: ${this.buffered} of ${count} bytes`);
      }
    }
  }

  /**
   * Has nothing to ask until `pause` is over. Anything but an orderly end in that time is a failure.
   *
   * @returns Whether the server ended the connection.
   */
  async idle(pause: Promise<void>): Promise<boolean> {
    this.#refuseUnasked();
    this.#settled = false;
    const settle = (): void => {
      this.#settled = true;
    };
    this.#pending ??= this.#read();
    const noticed = this.#pending.then(settle, settle);
    await Promise.race([pause, noticed]);
    if (!this.#settled) return false;
    const ended = !await this.fill();
    this.#refuseUnasked();
    return ended;
  }

  /** Waits for the server to end the connection after its last answer. */
  async awaitEnd(): Promise<void> {
    if (this.buffered === 0) await this.fill();
    this.#refuseUnasked();
  }

  /** Ends the connection because its deadline is over. */
  expire(): void {
    this.#expired = true;
    this.close();
  }

  /** Ends the connection, at once and for good. */
  close(): void {
    this.deadline = Infinity;
    this.#pending?.catch(() => {});
    try {
      this.#conn.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  #refuseUnasked(): void {
    if (this.buffered === 0) return;
    throw new LoadFailure("malformed", `${this.buffered} bytes that nobody asked for`);
  }

  #read(): Promise<number | null> {
    if (this.start === this.end) {
      this.start = 0;
      this.end = 0;
    } else if (this.end === this.buffer.length) {
      this.#makeRoom();
    }
    return this.#conn.read(this.end === 0 ? this.buffer : this.buffer.subarray(this.end));
  }

  /** Moves what is buffered to the front of a buffer that has at least as much room again. */
  #makeRoom(): void {
    const roomy = this.buffered * 2 > this.buffer.length;
    const target = roomy ? new Uint8Array(this.buffer.length * 2) : this.buffer;
    target.set(this.buffer.subarray(this.start, this.end));
    this.end = this.buffered;
    this.start = 0;
    this.buffer = target;
  }

  #explained(error: unknown): unknown {
    return this.#expired ? new LoadFailure("timeout", "No answer in time") : error;
  }
}
