/**
 * Sends datagrams that never wait: to a Unix socket or over UDP. Whoever is away misses them, and gets
 * the next ones as soon as they are back.
 *
 * @module
 */

import { inetSockaddr, SOCKET_TYPE, unixSockaddr } from "./socket_address.ts";
import { check, type Libc } from "../libc.ts";

/** Where datagrams go; hosts are numeric. */
export type DatagramAddress =
  | { readonly kind: "inet"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string; readonly abstract: boolean };

/** Takes one message; false: it was dropped. */
export interface DatagramTransport {
  send(message: Uint8Array<ArrayBuffer>): boolean;
  /** Gives up what is open. */
  close(): void;
}

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** What fits into one datagram: the most of UDP, and less than Linux's default for Unix sockets. */
const LONGEST = { inet: 65_507, unix: 196_608 } as const;

/** Sends datagrams to one address. */
export class DatagramSender implements DatagramTransport {
  readonly #libc: Libc;
  readonly #address: Uint8Array<ArrayBuffer>;
  readonly #longest: number;
  #fd = -1;

  /**
   * Nothing is opened before the first message.
   *
   * @throws {TypeError} If the host is no number.
   */
  constructor(c: Libc, address: DatagramAddress) {
    this.#libc = c;
    this.#address = remoteSockaddr(c, address);
    this.#longest = LONGEST[address.kind];
  }

  send(message: Uint8Array<ArrayBuffer>): boolean {
    const c = this.#libc;
    if (this.#fd < 0) this.#fd = c.socket(familyOf(this.#address), SOCKET_TYPE.DATAGRAM, 0);
    if (this.#fd < 0) return false;
    const bytes = cut(message, this.#longest);
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    const address = this.#address;
    const sent = c.sendto(this.#fd, bytes, BigInt(bytes.length), flags, address, address.length);
    return Number(sent) === message.length;
  }

  close(): void {
    if (this.#fd >= 0) this.#libc.close(this.#fd);
    this.#fd = -1;
  }
}

/**
 * A socket on which each write(2) is a datagram to this address. Writing may wait for a moment, and fails
 * after a datagram that nobody took.
 *
 * @throws {SystemCallError} If there is no way to the address.
 */
export function connectedSocket(c: Libc, address: DatagramAddress): number {
  const bytes = remoteSockaddr(c, address);
  const fd = check(c, "socket", c.socket(familyOf(bytes), SOCKET_TYPE.BLOCKING_DATAGRAM, 0));
  try {
    check(c, "connect", c.connect(fd, bytes, bytes.length));
    return fd;
  } catch (error) {
    c.close(fd);
    throw error;
  }
}

/**
 * The bytes of an address.
 *
 * @throws {TypeError} If the host is no number.
 */
export function remoteSockaddr(c: Libc, address: DatagramAddress): Uint8Array<ArrayBuffer> {
  if (address.kind === "unix") return unixSockaddr(address.path, address.abstract);
  const bytes = inetSockaddr(c, address.host, address.port);
  if (bytes === null) throw new TypeError(`"${address.host}" is no numeric address`);
  return bytes;
}

/** The family that the bytes of an address begin with. */
export function familyOf(address: Uint8Array<ArrayBuffer>): number {
  return new DataView(address.buffer).getUint16(0, true);
}

/** The beginning of a message, not ending within a character of UTF-8. */
function cut(message: Uint8Array<ArrayBuffer>, longest: number): Uint8Array<ArrayBuffer> {
  if (message.length <= longest) return message;
  let end = longest;
  while (end > 0 && ((message[end] ?? 0) & 0xc0) === 0x80) end--;
  return message.subarray(0, end);
}
