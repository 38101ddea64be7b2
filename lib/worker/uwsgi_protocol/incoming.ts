/**
 * Runs in the worker. What a proxy sends on a connection: the variables of its request, the body, and
 * the end.
 *
 * @module
 */

import type { ProxySettings } from "../../protocol/proxy_settings.ts";
import { inTime } from "../serving/connection_io.ts";
import { HEADER_BYTES, readVariables, Refusal, type Variables, variablesSize } from "./packet.ts";

/** The part of a connection that is read here. */
export type Source = Pick<Deno.Conn, "read">;

/** What was received in front of a body. */
export interface Packet {
  readonly variables: Variables;
  /** The begin of the body, as far as it came along. */
  readonly rest: Uint8Array;
}

/**
 * Receives the variables of a request.
 *
 * @returns Null if the connection is not used: nothing came, or nothing in time.
 * @throws {Refusal} If they are malformed, too many, or too slow.
 */
export async function receivePacket(
  source: Source,
  { bufferSize, timeoutMs }: ProxySettings,
): Promise<Packet | null> {
  const bytes = new Uint8Array(HEADER_BYTES + bufferSize);
  let have = 0;
  const receive = async (): Promise<Packet | null> => {
    let needed = HEADER_BYTES;
    while (have < needed) {
      const length = await source.read(bytes.subarray(have));
      if (length === null) {
        return unfinished(have, 400, "the connection ended within the variables");
      }
      have += length;
      if (have >= HEADER_BYTES) needed = HEADER_BYTES + variablesSize(bytes, bufferSize);
    }
    const variables = readVariables(bytes.subarray(HEADER_BYTES, needed));
    return { variables, rest: bytes.subarray(needed, have) };
  };
  return await inTime(receive(), timeoutMs, () => {
    const text = `the variables did not arrive within ${timeoutMs / 1000} s (socket-timeout)`;
    return unfinished(have, 408, text);
  });
}

/** Connections that are made and not used are no mistake. */
function unfinished(have: number, status: number, text: string): null {
  if (have === 0) return null;
  throw new Refusal(status, text);
}

/** Most bytes of a body that are read at once. */
const PIECE_BYTES = 65_536;

/** Nothing came in time. */
const SILENCE = Symbol("silence");

/** What follows the variables. */
export class Incoming {
  readonly #source: Source;
  readonly #gone: () => void;
  readonly #silenceMs: number;
  #begun: Uint8Array;
  #left: number;
  #ended: Promise<void> | null = null;

  /**
   * Takes over the connection.
   *
   * @param rest What has been received of the body.
   * @param length Bytes of the body.
   * @param gone Called when the client ends the connection.
   * @param silenceMs How long the client may send nothing of the body (`http-body-timeout`). 0: no limit.
   */
  constructor(
    source: Source,
    rest: Uint8Array,
    length: number,
    gone: () => void,
    silenceMs = 0,
  ) {
    this.#source = source;
    this.#begun = rest.subarray(0, length);
    this.#left = length;
    this.#gone = gone;
    this.#silenceMs = silenceMs;
  }

  /** The body; it is read no faster than it is taken. Null: there is none. */
  body(): ReadableStream<Uint8Array<ArrayBuffer>> | null {
    if (this.#left > 0) {
      return new ReadableStream({
        pull: (controller) => this.#pull(controller),
        cancel: () => void this.ended(),
      });
    }
    void this.ended();
    return null;
  }

  /** Reads away what nobody takes; resolves when the client has ended the connection. */
  ended(): Promise<void> {
    return this.#ended ??= this.#readAway();
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const piece = await this.#piece();
    if (piece === null || piece === SILENCE) {
      this.#gone();
      controller.error(
        piece === null
          ? new Deno.errors.UnexpectedEof("The client ended before its body did")
          : new Deno.errors.TimedOut(
            `The client sent nothing of its body for ${
              this.#silenceMs / 1000
            } s (http-body-timeout)`,
          ),
      );
      return;
    }
    this.#left -= piece.length;
    controller.enqueue(piece);
    if (this.#left > 0) return;
    controller.close();
    // From now on the only thing to come is the end.
    void this.ended();
  }

  async #piece(): Promise<Uint8Array | typeof SILENCE | null> {
    const begun = this.#begun;
    this.#begun = new Uint8Array(0);
    if (begun.length > 0) return begun;
    const bytes = new Uint8Array(Math.min(PIECE_BYTES, this.#left));
    try {
      const read = this.#source.read(bytes);
      const length = this.#silenceMs === 0
        ? await read
        : await inTime<number | typeof SILENCE | null>(read, this.#silenceMs, () => SILENCE);
      return typeof length === "number" ? bytes.subarray(0, length) : length;
    } catch {
      return null;
    }
  }

  async #readAway(): Promise<void> {
    const bytes = new Uint8Array(1024);
    try {
      while (await this.#source.read(bytes) !== null);
    } catch {
      // A reset is an end as well.
    }
    this.#gone();
  }
}
