/**
 * A client of the uwsgi protocol, as a proxy is one.
 *
 * @module
 */
import { connectTo, type Target } from "./load/target.ts";

const encoder = new TextEncoder();

/** Names and values, in order. */
export type Pairs = readonly (readonly [name: string, value: string])[];

/** The bytes of one name or value behind its length. */
export function field(text: string): Uint8Array<ArrayBuffer> {
  const bytes = encoder.encode(text);
  return joined([Uint8Array.of(bytes.length & 255, bytes.length >> 8), bytes]);
}

/** The bytes of a request's variables, without what is in front. */
export function fields(pairs: Pairs): Uint8Array<ArrayBuffer> {
  return joined(pairs.flatMap(([name, value]) => [field(name), field(value)]));
}

/** A packet: modifier1, size, modifier2, and what follows. */
export function packet(
  content: Uint8Array,
  modifier = 0,
  size = content.length,
): Uint8Array<ArrayBuffer> {
  return joined([Uint8Array.of(modifier, size & 255, size >> 8, 0), content]);
}

/** The packet of a request for a path; more variables, or other values for the usual ones. */
export function requestPacket(
  path: string,
  more: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const usual = { REQUEST_METHOD: "GET", REQUEST_URI: path, HTTP_HOST: "localhost" };
  return packet(fields(Object.entries({ ...usual, ...more })));
}

/** All of them in one piece. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** What `uwsgi.sockets` shows as `host:port`, or a path. */
export function targetOf(address: string): Target {
  const tcp = /^([\d.]+):(\d+)$/.exec(address);
  return tcp === null
    ? { transport: "unix", path: address }
    : { hostname: tcp[1] ?? "", port: Number(tcp[2]) };
}

/** Sends bytes over a connection of its own, and reads until the server ends it. */
export async function exchange(
  address: string,
  bytes: Uint8Array,
  end = false,
): Promise<string> {
  using connection = await connectTo(targetOf(address), AbortSignal.timeout(20_000));
  const reading = readAll(connection);
  const writer = async () => {
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    if (end) await connection.closeWrite();
  };
  const [text] = await Promise.all([reading, writer()]);
  return text;
}

/** Everything that comes until the end. */
export async function readAll(connection: Deno.Conn): Promise<string> {
  const decoder = new TextDecoder();
  const bytes = new Uint8Array(65_536);
  let text = "";
  while (true) {
    const length = await connection.read(bytes);
    if (length === null) return text;
    text += decoder.decode(bytes.subarray(0, length), { stream: true });
  }
}
