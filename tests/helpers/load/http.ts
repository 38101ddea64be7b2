/**
 * As much of HTTP/1.1 (RFC 9112) as a client needs that knows its server, strictly checked.
 *
 * @module
 */
import type { Connection } from "./connection.ts";
import { LoadFailure } from "./failure.ts";

/** The head of an answer. */
export interface ResponseHead {
  readonly status: number;
  /** The header lines, for what is seldom asked. */
  readonly text: string;
  /** Whether the server ends the connection after this answer. */
  readonly close: boolean;
  /** Length of the body in bytes; null: chunked. */
  readonly length: number | null;
}

const CR = 13;
const LF = 10;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Encodes the head of a request, or any text. */
export function encode(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** Decodes a body. */
export function decode(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** The bytes of a request without a body. */
export function getRequest(path: string, headers = ""): Uint8Array<ArrayBuffer> {
  return encode(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`);
}

/** Asks the server to end the connection after the answer (RFC 9112, 9.6). */
export const CLOSE_HEADER = "Connection: close\r\n";

/**
 * Reads the head of an answer.
 *
 * @throws {LoadFailure} If there is none, it breaks off, or it is not HTTP/1.1.
 */
export async function readHead(connection: Connection): Promise<ResponseHead> {
  let end = headEnd(connection, 0);
  while (end === -1) {
    const scanned = connection.buffered;
    if (!await connection.fill()) {
      throw scanned === 0
        ? new LoadFailure("eof-before-response", "The connection ended without an answer")
        : new LoadFailure("eof-mid-response", `The answer's head ended after ${scanned} bytes`);
    }
    end = headEnd(connection, Math.max(0, scanned - 3));
  }
  const text = decode(connection.buffer.subarray(connection.start, end));
  connection.start = end;
  return parseHead(text);
}

/** Reads the head of an answer that must have status 200 (or another given one). */
export async function readOkHead(connection: Connection, status = 200): Promise<ResponseHead> {
  const head = await readHead(connection);
  if (head.status === status) return head;
  throw new LoadFailure("bad-status", `Status ${head.status} instead of ${status}`);
}

/** Reads a whole body. The bytes are valid until the connection is read again. */
export async function readBody(connection: Connection, head: ResponseHead): Promise<Uint8Array> {
  if (head.length === null) {
    const bytes: number[] = [];
    for (let chunk = await readChunk(connection); chunk; chunk = await readChunk(connection)) {
      for (const byte of chunk) bytes.push(byte);
    }
    return Uint8Array.from(bytes);
  }
  await connection.need(head.length, "Body");
  const body = connection.buffer.subarray(connection.start, connection.start + head.length);
  connection.start += head.length;
  return body;
}

/** Reads one chunk of a chunked body (RFC 9112, 7.1); null after the last one. */
export async function readChunk(connection: Connection): Promise<Uint8Array | null> {
  const { buffer, start, end } = connection;
  const lineEnd = buffer.subarray(start, end).indexOf(LF);
  if (lineEnd === -1) {
    if (end - start > 32) throw new LoadFailure("malformed", "Endless size of a chunk");
    await connection.need(end - start + 1, "Size of a chunk");
    return await readChunk(connection);
  }
  const line = decode(buffer.subarray(start, start + lineEnd + 1));
  if (!/^[0-9a-f]+\r\n$/i.test(line)) {
    throw new LoadFailure("malformed", `Size of a chunk is ${JSON.stringify(line)}`);
  }
  const size = parseInt(line, 16);
  await connection.need(line.length + size + 2, "Chunk");
  const from = connection.start + line.length;
  connection.start = from + size + 2;
  const chunk = connection.buffer.subarray(from, from + size);
  if (connection.buffer[from + size] !== CR || connection.buffer[from + size + 1] !== LF) {
    throw new LoadFailure("malformed", "A chunk is longer than its size");
  }
  return size === 0 ? null : chunk;
}

/** Where the head ends, after its empty line; -1 if that is not buffered yet. */
function headEnd({ buffer, start, end }: Connection, scanned: number): number {
  for (let at = start + scanned; at < end; at++) {
    at = buffer.indexOf(CR, at);
    if (at === -1 || at + 3 >= end) return -1;
    if (buffer[at + 1] === LF && buffer[at + 2] === CR && buffer[at + 3] === LF) return at + 4;
  }
  return -1;
}

function parseHead(text: string): ResponseHead {
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(text);
  const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(text);
  const chunked = /\r\ntransfer-encoding: *chunked\r\n/i.test(text);
  const bodiless = status?.[1] === "101";
  if (status === null || (!bodiless && (length === null) !== chunked)) {
    throw new LoadFailure("malformed", `Not an answer: ${JSON.stringify(text.slice(0, 200))}`);
  }
  return {
    status: Number(status[1]),
    text,
    close: /\r\nconnection: *close\r\n/i.test(text),
    length: chunked ? null : Number(length?.[1] ?? 0),
  };
}
