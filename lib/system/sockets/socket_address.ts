/**
 * Socket addresses between text and the bytes of `sockaddr` (ip(7), ipv6(7), unix(7)).
 *
 * @module
 */

import type { Libc } from "../libc.ts";

/** Address families of socket(2). */
export const FAMILY = { UNIX: 1, INET: 2, INET6: 10 } as const;

/** `SOCK_CLOEXEC | SOCK_NONBLOCK` of socket(2). */
const CLOEXEC_NONBLOCK = 0o2000000 | 0o4000;

/** Types of socket(2), closed by execve(2) and not blocking. */
export const SOCKET_TYPE = {
  STREAM: 1 | CLOEXEC_NONBLOCK,
  DATAGRAM: 2 | CLOEXEC_NONBLOCK,
  RAW: 3 | CLOEXEC_NONBLOCK,
  /** This one blocks. */
  BLOCKING_DATAGRAM: 2 | 0o2000000,
} as const;

/** The level of options that all sockets have (setsockopt(2)). */
export const SOL_SOCKET = 1;

/** The largest `sockaddr` there is here: `sockaddr_un` with its 108 bytes of path. */
const MAX_SIZE = 110;

/** A socket's address as the kernel tells it. */
export type SocketAddress =
  | { readonly family: "inet" | "inet6"; readonly host: string; readonly port: number }
  | { readonly family: "unix"; readonly path: string; readonly abstract: boolean };

/** The bytes of an IPv4 or IPv6 address; null when `host` is not a numeric address. */
export function inetSockaddr(c: Libc, host: string, port: number): Uint8Array<ArrayBuffer> | null {
  const text = new TextEncoder().encode(host + "\0");
  const v4 = new Uint8Array(16);
  if (c.inet_pton(FAMILY.INET, text, v4.subarray(4, 8)) === 1) {
    return withFamilyAndPort(v4, FAMILY.INET, port);
  }
  const v6 = new Uint8Array(28);
  if (c.inet_pton(FAMILY.INET6, text, v6.subarray(8, 24)) === 1) {
    return withFamilyAndPort(v6, FAMILY.INET6, port);
  }
  return null;
}

function withFamilyAndPort(
  bytes: Uint8Array<ArrayBuffer>,
  family: number,
  port: number,
): Uint8Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer);
  view.setUint16(0, family, true);
  view.setUint16(2, port);
  return bytes;
}

/**
 * The bytes of a Unix socket's address. An abstract name is bound exactly as written, without the
 * zero byte that uWSGI adds to its end.
 */
export function unixSockaddr(path: string, abstract: boolean): Uint8Array<ArrayBuffer> {
  const name = new TextEncoder().encode(path);
  const bytes = new Uint8Array(2 + name.length + 1);
  new DataView(bytes.buffer).setUint16(0, FAMILY.UNIX, true);
  bytes.set(name, abstract ? 3 : 2);
  return bytes;
}

/** The address a socket is bound to (getsockname(2)); null for anything that is not such a socket. */
export function localAddress(c: Libc, fd: number): SocketAddress | null {
  return readAddress(c.getsockname, fd);
}

/** The address at the far end of a socket (getpeername(2)); null when it is not connected. */
export function peerAddress(c: Libc, fd: number): SocketAddress | null {
  return readAddress(c.getpeername, fd);
}

/** One for all calls, none of which keeps it: a worker with many clients asks for the addresses of all. */
const buffer = new Uint8Array(MAX_SIZE);
const length = new Uint32Array(1);

function readAddress(call: Libc["getsockname"], fd: number): SocketAddress | null {
  length[0] = MAX_SIZE;
  if (call(fd, buffer, length) !== 0) return null;
  return parseSockaddr(buffer.subarray(0, Math.min(length[0] ?? 0, MAX_SIZE)));
}

/** Reads a `sockaddr`; null for a family other than IPv4, IPv6 and Unix. */
export function parseSockaddr(bytes: Uint8Array): SocketAddress | null {
  if (bytes.length < 2) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const family = view.getUint16(0, true);
  if (family === FAMILY.INET && bytes.length >= 8) {
    return { family: "inet", host: bytes.subarray(4, 8).join("."), port: view.getUint16(2) };
  }
  if (family === FAMILY.INET6 && bytes.length >= 24) {
    return { family: "inet6", host: inet6Text(view), port: view.getUint16(2) };
  }
  if (family === FAMILY.UNIX) return parseUnix(bytes.subarray(2));
  return null;
}

function parseUnix(name: Uint8Array): SocketAddress {
  const abstract = name.length > 1 && name[0] === 0;
  const bytes = abstract ? name.subarray(1) : name.subarray(0, indexOfZero(name));
  return { family: "unix", path: new TextDecoder().decode(bytes), abstract };
}

function indexOfZero(bytes: Uint8Array): number {
  const at = bytes.indexOf(0);
  return at < 0 ? bytes.length : at;
}

/**
 * The text form of RFC 5952: lower case, the longest run of zero groups as `::`, and an IPv4 address
 * that is mapped into IPv6 with its dots.
 */
function inet6Text(view: DataView): string {
  const mapped = view.getBigUint64(8) === 0n && view.getUint32(16) === 0xffff;
  if (mapped) return `::ffff:${[20, 21, 22, 23].map((at) => view.getUint8(at)).join(".")}`;
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(8 + i * 2).toString(16));
  const runs = groups.join(":").matchAll(/(?<![0-9a-f])0(?::0)+(?![0-9a-f])/g);
  const longest = [...runs].sort((a, b) => b[0].length - a[0].length)[0];
  const text = groups.join(":");
  if (longest === undefined) return text;
  const before = text.slice(0, longest.index).replace(/:$/, "");
  const after = text.slice(longest.index + longest[0].length).replace(/^:/, "");
  return `${before}::${after}`;
}

/**
 * True if only one socket can listen at both addresses, as operators write them. The kernel lets both be
 * bound, and would refuse whoever is the second one to listen.
 */
export function collide(a: string, b: string): boolean {
  if (a === b) return true;
  const [one, other] = [TCP.exec(a), TCP.exec(b)];
  if (one === null || other === null || one[2] !== other[2]) return false;
  return one[1] === other[1] || [one[1], other[1]].some((host) => EVERYWHERE.has(host ?? ""));
}

const TCP = /^\[?([^@/].*?)\]?:(\d+)$/;
const EVERYWHERE: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

/** The address as an operator writes it: `127.0.0.1:8080`, `[::1]:8080`, `/run/app.sock`, `@name`. */
export function addressText(address: SocketAddress): string {
  switch (address.family) {
    case "inet":
      return `${address.host}:${address.port}`;
    case "inet6":
      return `[${address.host}]:${address.port}`;
    case "unix":
      return address.abstract ? `@${address.path}` : address.path;
  }
}
