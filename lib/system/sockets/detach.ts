/**
 * Runs in the worker. Takes connections away from the servers of this process that have them.
 *
 * A server cannot be told to let go of one connection, and shutdown(2) leaves it a moment in which it reads
 * a request that it can no longer answer. So the connection moves to another descriptor, and under the
 * number that the server knows comes a socket that was never connected, registered with the same epoll
 * instance: the server finds that its client has gone, and what the client sends from now on it does not
 * see.
 *
 * @module
 */

import { register, registrationOf, registrationsIn, unregister } from "./accept_queue.ts";
import { check, type Libc } from "../libc.ts";
import { duplicate, O_CLOEXEC } from "../descriptor.ts";
import { FAMILY, SOCKET_TYPE } from "./socket_address.ts";

/** `MSG_PEEK | MSG_DONTWAIT` of recv(2). */
const PEEK_DONTWAIT = 0x2 | 0x40;

/**
 * Takes connections away, except those on which something has come that their server has not read, and as
 * many as there are descriptors for.
 *
 * @returns A descriptor for each that was taken, which is the caller's to close.
 */
export function detach(c: Libc, connections: readonly number[]): number[] {
  const [first] = connections;
  const epoll = first === undefined ? undefined : registrationOf(c, first)?.epoll;
  if (epoll === undefined) return [];
  const registered = new Map(registrationsIn(c, epoll).map((one) => [one.fd, one]));
  const taken: number[] = [];
  for (const fd of connections) {
    const registration = registered.get(fd);
    if (registration === undefined || hasUnread(c, fd)) continue;
    const [own, dead] = spare(c, fd);
    // There are no descriptors: the next time, maybe.
    if (own < 0 || dead < 0) break;
    const put = (socket: number) => {
      unregister(c, registration);
      check(c, "dup3", c.dup3(socket, fd, O_CLOEXEC));
      register(c, registration);
    };
    put(dead);
    c.close(dead);
    if (hasUnread(c, own)) {
      // What has come at the last moment is a request that can still be answered.
      put(own);
      c.close(own);
    } else taken.push(own);
  }
  return taken;
}

/** A second descriptor of a connection, and a socket that is not connected; both -1 if there is no room. */
function spare(c: Libc, fd: number): [own: number, dead: number] {
  const dead = c.socket(FAMILY.INET, SOCKET_TYPE.STREAM, 0);
  if (dead < 0) return [-1, -1];
  try {
    return [duplicate(c, fd), dead];
  } catch {
    c.close(dead);
    return [-1, -1];
  }
}

/** True if something has come on a connection that nobody has read. */
function hasUnread(c: Libc, fd: number): boolean {
  return c.recv(fd, new Uint8Array(1), 1n, PEEK_DONTWAIT) > 0;
}
