/**
 * Runs in the worker. The header of the PROXY protocol, versions 1 and 2, in front of what a connection
 * carries (haproxy.org, proxy-protocol.txt). Pure.
 *
 * @module
 */

import { readAddress } from "../forwarded/networks.ts";

/** A header. */
export interface ProxyHeader {
  /** Bytes of it: what follows belongs to the connection. */
  readonly length: number;
  /** The client; null: the proxy does not say, or speaks for itself. */
  readonly client: { readonly hostname: string; readonly port: number } | null;
}

/** Most bytes of a header: version 1 has 107 at most, version 2 with everything that is in use less. */
export const MAX_HEADER_BYTES = 4096;

/** The longest line of version 1, with its end. */
const LONGEST_LINE = 107;
const SIGNATURE = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10];
const LINE_BEGIN = [80, 82, 79, 88, 89, 32];

/**
 * Reads a header.
 *
 * @param bytes What has come so far.
 * @returns Null if more must come.
 * @throws {SyntaxError} If it is none; the message says why.
 */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader | null {
  if (begins(bytes, SIGNATURE)) return readBinary(bytes);
  if (begins(bytes, LINE_BEGIN)) return readLine(bytes);
  throw new SyntaxError("it does not begin with a header of the PROXY protocol");
}

/** True if this may be the begin of it, as far as it has come. */
function begins(bytes: Uint8Array, expected: readonly number[]): boolean {
  return expected.every((byte, i) => i >= bytes.length || bytes[i] === byte);
}

function readLine(bytes: Uint8Array): ProxyHeader | null {
  const end = bytes.subarray(0, LONGEST_LINE).indexOf(10);
  if (end < 0 && bytes.length < LONGEST_LINE) return null;
  const line = String.fromCharCode(...bytes.subarray(0, end + 1));
  if (/^PROXY UNKNOWN( [^\r\n]*)?\r\n$/.test(line)) return { length: end + 1, client: null };
  const [, family, hostname = "", port = ""] =
    /^PROXY TCP([46]) ([\da-fA-F.:]+) [\da-fA-F.:]+ (\d{1,5}) \d{1,5}\r\n$/.exec(line) ?? [];
  const address = readAddress(hostname);
  const isOfFamily = hostname.includes(":") === (family === "6");
  if (family === undefined || address === null || !isOfFamily || Number(port) > 65_535) {
    throw new SyntaxError("its header of the PROXY protocol is malformed");
  }
  return { length: end + 1, client: { hostname: address.text, port: Number(port) } };
}

/** Bytes in front of the addresses. */
const FIXED_BYTES = 16;
const TCP4 = 0x11;
const TCP6 = 0x21;

function readBinary(bytes: Uint8Array): ProxyHeader | null {
  if (bytes.length < FIXED_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const command = view.getUint8(12);
  const length = FIXED_BYTES + view.getUint16(14);
  if (command !== 0x20 && command !== 0x21) {
    throw new SyntaxError("its header of the PROXY protocol has an unknown version or command");
  }
  if (length > MAX_HEADER_BYTES) {
    throw new SyntaxError(
      `its header of the PROXY protocol has ${length} bytes, not ${MAX_HEADER_BYTES}`,
    );
  }
  if (bytes.length < length) return null;
  // LOCAL: the proxy asks for itself, to see if we are there.
  const client = command === 0x20 ? null : clientOf(view, view.getUint8(13), length - FIXED_BYTES);
  return { length, client };
}

function clientOf(view: DataView, family: number, size: number): ProxyHeader["client"] {
  if (family === TCP4) {
    requireSize(size, 12);
    const parts = [0, 1, 2, 3].map((i) => view.getUint8(FIXED_BYTES + i));
    return { hostname: parts.join("."), port: view.getUint16(FIXED_BYTES + 8) };
  }
  if (family === TCP6) {
    requireSize(size, 36);
    const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(FIXED_BYTES + 2 * i));
    const text = groups.map((group) => group.toString(16)).join(":");
    const hostname = readAddress(text)?.text ?? "";
    return { hostname, port: view.getUint16(FIXED_BYTES + 32) };
  }
  return null;
}

function requireSize(size: number, needed: number): void {
  if (size < needed) throw new SyntaxError("its header of the PROXY protocol is too short");
}
