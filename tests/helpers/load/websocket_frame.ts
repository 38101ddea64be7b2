/**
 * WebSocket frames (RFC 6455, section 5) as a client sends and reads them: whole messages only.
 *
 * @module
 */
import type { Connection } from "./connection.ts";
import { LoadFailure } from "./failure.ts";

/** The opcodes (RFC 6455, 5.2). */
export const OPCODE = { text: 1, close: 8, ping: 9, pong: 10 } as const;

/** One frame from the server. */
export interface Frame {
  readonly opcode: number;
  /** Valid until the connection is read again. */
  readonly payload: Uint8Array;
}

const FIN = 0x80;
const MASKED = 0x80;
/** Longest payload whose length fits the second byte; 126 announces two bytes more. */
const MAX_SHORT = 125;
const TWO_BYTES = 126;

/** Encodes a masked frame with a payload of up to 125 bytes. */
export function encodeFrame(opcode: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  if (payload.length > MAX_SHORT) throw new RangeError("Payload must have at most 125 bytes");
  const mask = crypto.getRandomValues(new Uint8Array(4));
  const frame = new Uint8Array(6 + payload.length);
  frame.set([FIN | opcode, MASKED | payload.length, ...mask]);
  payload.forEach((byte, i) => frame[6 + i] = byte ^ (mask[i % 4] ?? 0));
  return frame;
}

/** Reads one frame, which must be unmasked, unfragmented and shorter than 64 KB. */
export async function readFrame(connection: Connection): Promise<Frame> {
  if (connection.buffered === 0 && !await connection.fill()) {
    throw new LoadFailure("eof-before-response", "The WebSocket ended without a close frame");
  }
  await connection.need(2, "Frame");
  const first = connection.buffer[connection.start] ?? 0;
  const second = connection.buffer[connection.start + 1] ?? 0;
  if ((first & 0xf0) !== FIN || second > TWO_BYTES) {
    throw new LoadFailure("malformed", `Frame starts with ${first}, ${second}`);
  }
  const headLength = second === TWO_BYTES ? 4 : 2;
  await connection.need(headLength, "Frame");
  const { buffer, start } = connection;
  const length = second === TWO_BYTES
    ? new DataView(buffer.buffer, buffer.byteOffset + start + 2).getUint16(0)
    : second;
  await connection.need(headLength + length, "Frame");
  const from = connection.start + headLength;
  connection.start = from + length;
  return { opcode: first & 0x0f, payload: connection.buffer.subarray(from, from + length) };
}
