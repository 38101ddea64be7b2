/**
 * Runs in the master. The datagram socket on which a service manager wants to hear how the service is
 * (sd_notify(3)). Through the C library, because Deno's datagram sockets cannot send to an abstract name
 * without binding a path of their own.
 *
 * @module
 */

import { check, ERRNO, lastErrno, type Libc, systemCallError } from "../libc.ts";
import { FAMILY, SOCKET_TYPE, unixSockaddr } from "./socket_address.ts";

/** Sends datagrams to one address. */
export class NotifySocket {
  readonly #c: Libc;
  readonly #fd: number;
  readonly #address: Uint8Array<ArrayBuffer>;

  /**
   * Takes the address, a path or a name with `@` before it.
   *
   * @throws {TypeError} If it is another kind of address.
   */
  constructor(c: Libc, address: string) {
    if (!/^[/@]./.test(address)) throw new TypeError(`"${address}" is neither a path nor @name`);
    const abstract = address.startsWith("@");
    this.#address = unixSockaddr(abstract ? address.slice(1) : address, abstract);
    this.#c = c;
    this.#fd = check(c, "socket", c.socket(FAMILY.UNIX, SOCKET_TYPE.DATAGRAM, 0));
  }

  /**
   * Sends one datagram; false: the receiver's queue is full, and nothing was sent.
   *
   * @throws {SystemCallError} If nobody receives there.
   */
  send(text: string): boolean {
    const bytes = new TextEncoder().encode(text);
    const address = this.#address;
    const length = BigInt(bytes.length);
    const sent = this.#c.sendto(this.#fd, bytes, length, 0, address, address.length);
    if (Number(sent) >= 0) return true;
    const errno = lastErrno(this.#c);
    if (errno === ERRNO.EAGAIN || errno === ERRNO.EINTR) return false;
    throw systemCallError(this.#c, "sendto", errno);
  }

  /** Closes the socket. */
  close(): void {
    this.#c.close(this.#fd);
  }
}
