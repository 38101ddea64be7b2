/**
 * Deno's servers and listeners on sockets that they did not open, see `accept_queue.ts`.
 *
 * @module
 */

import { adopt } from "./accept_queue.ts";
import { check, cString, type Libc } from "../libc.ts";
import type { SocketAddress } from "./socket_address.ts";

/** Where Deno is asked to listen, in the words of `Deno.listen` and `Deno.serve`. */
export type ListenPlace =
  | { readonly hostname: string; readonly port: number; readonly reusePort?: boolean }
  | { readonly path: string };

/** What a socket to listen on is like. */
export interface AdoptedSocket {
  readonly fd: number;
  /** As an operator writes it. */
  readonly address: string;
  /** How many connections may wait. */
  readonly backlog: number;
}

/**
 * Calls `open` with a place to listen at and makes what it opened accept on the socket. The socket's own
 * descriptor stays open beside it.
 *
 * @param path A path at which nothing is yet: a Unix socket is there for a moment.
 * @param open Opens a Deno server or listener at the place, and returns it with its address.
 * @throws {Error} If a call fails.
 */
export function openAdopted<T extends { readonly addr: Deno.Addr }>(
  c: Libc,
  { fd, address, backlog }: AdoptedSocket,
  path: string,
  open: (place: ListenPlace) => T,
): T {
  check(c, "listen", c.listen(fd, backlog));
  // Of the same kind as the socket: Deno reads a client's address according to it.
  const tcp = isTcp(address);
  const opened = open(tcp ? { hostname: "127.0.0.1", port: 0 } : { path });
  adopt(c, fd, socketAddress(opened.addr));
  // Not with Deno's own function, for which a worker may lack the permission.
  if (!tcp) c.unlink(cString(path));
  return opened;
}

/** True for the address of a TCP socket, as an operator writes it. */
export function isTcp(address: string): boolean {
  // Abstract names and paths can end like a port.
  return /^[^@/].*:\d+$/.test(address);
}

function socketAddress(address: Deno.Addr): SocketAddress {
  if (address.transport === "unix") {
    const abstract = address.path.startsWith("\0");
    return { family: "unix", path: abstract ? address.path.slice(1) : address.path, abstract };
  }
  if (address.transport !== "tcp") {
    throw new TypeError(`Not a stream address: ${address.transport}`);
  }
  return { family: "inet", host: address.hostname, port: address.port };
}
