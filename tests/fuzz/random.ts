/**
 * A seeded generator of random numbers, bytes and texts for fuzz targets: the same seed gives the same
 * sequence on every machine, so that a failure is reproduced by its seed.
 *
 * @module
 */

/** Bytes that parsers treat specially, for {@linkcode Random.mutate}. */
const SPECIAL_BYTES = [0, 9, 10, 13, 32, 34, 44, 58, 91, 92, 93, 123, 125, 127, 128, 192, 255];

/** Characters of {@linkcode Random.text}: ASCII, controls, and such that take 2, 3 and 4 bytes. */
const CHARACTERS = [..."az AZ09_-.:,;=\"'\\/[]{}<>%$@\0\r\n\t\x1b\x7f\x85\ufeffé漢\u202e😀\ud800"];

/** Random values from a seed (mulberry32). */
export class Random {
  /** The seed it was made with. */
  readonly seed: number;
  #state: number;

  /** Takes the seed; only its low 32 bits count. */
  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed | 0;
  }

  /** A number from 0 up to, and not including, 1. */
  float(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `least` to `most`, both included. */
  int(least: number, most: number): number {
    return least + Math.floor(this.float() * (most - least + 1));
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.float() < probability;
  }

  /**
   * One of these.
   *
   * @throws {RangeError} If there are none.
   */
  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError("Nothing to pick from");
    return list[this.int(0, list.length - 1)] as T;
  }

  /** So many bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at++) bytes[at] = this.int(0, 255);
    return bytes;
  }

  /** A text of so many characters, among them such as parsers treat specially. */
  text(length: number): string {
    return Array.from({ length }, () => this.pick(CHARACTERS)).join("");
  }

  /** A copy with one to eight changes: bytes replaced, flipped, removed, repeated or put in. */
  mutate(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    let changed = [...bytes];
    for (let change = this.int(1, 8); change > 0; change--) {
      const at = this.int(0, changed.length);
      const count = this.int(1, 8);
      switch (this.int(0, 4)) {
        case 0:
          changed[at] = this.pick(SPECIAL_BYTES);
          break;
        case 1:
          changed[at] = (changed[at] ?? 0) ^ (1 << this.int(0, 7));
          break;
        case 2:
          changed.splice(at, count);
          break;
        case 3:
          changed.splice(at, 0, ...changed.slice(at, at + count));
          break;
        default:
          changed = [...changed.slice(0, at), ...this.bytes(count), ...changed.slice(at)];
      }
    }
    return new Uint8Array(changed);
  }

  /** The same bytes in pieces of one to `longest` bytes, as a socket may deliver them. */
  pieces(bytes: Uint8Array<ArrayBuffer>, longest = bytes.length): Uint8Array<ArrayBuffer>[] {
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for (let at = 0; at < bytes.length;) {
      const end = at + this.int(1, Math.max(1, longest));
      pieces.push(bytes.subarray(at, end));
      at = end;
    }
    return pieces;
  }
}
