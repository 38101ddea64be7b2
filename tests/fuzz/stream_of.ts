/**
 * A stream of bytes that delivers what it was made of in random pieces, as a socket may.
 *
 * @module
 */

import type { ByteStream } from "../../lib/protocol/channel.ts";
import type { Random } from "./random.ts";

/** A stream that delivers these parts one after the other and ends then. What is written to it is lost. */
export function streamOf(random: Random, parts: readonly Uint8Array[]): ByteStream {
  const all = new Uint8Array(parts.flatMap((part) => [...part]));
  const pieces = random.pieces(all, random.pick([1, 7, 4096]));
  return {
    read: (into) => {
      const piece = pieces.shift();
      if (piece === undefined) return Promise.resolve(null);
      const length = Math.min(piece.length, into.length);
      into.set(piece.subarray(0, length));
      if (length < piece.length) pieces.unshift(piece.subarray(length));
      return Promise.resolve(length);
    },
    write: (bytes) => Promise.resolve(bytes.length),
    close: () => {},
  };
}
