/**
 * Runs in the worker, where it is a sandbox. Calls the master again, after it has replaced its own program, without the
 * permission to call anybody: connections that lead nowhere are opened in time, and one that the C
 * library makes to the master takes the place of one of these.
 *
 * @module
 */

import { quietSocket, type Registration, registrationOf } from "../../system/accept_queue.ts";
import { O_CLOEXEC, openDescriptors } from "../../system/descriptor.ts";
import { cString, type Libc } from "../../system/libc.ts";
import { peerAddress } from "../../system/socket_address.ts";
import type { Lasting } from "./sealed_libc.ts";

const AF_UNIX = 1;
const SOCK_STREAM_CLOEXEC_NONBLOCK = 1 | 0o2000000 | 0o4000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;

/** How often a worker can call again: a master that replaces its program replaces its workers as well. */
const SPARES = 4;

/** A connection that leads nowhere. */
interface Spare {
  readonly connection: Deno.UnixConn;
  readonly seat: Registration;
}

/**
 * Opens the spares, and makes the function that calls the master.
 *
 * @param lasting Functions that outlive the permission.
 * @param sealed The functions that registrations are noted by.
 * @param control Path of the master's socket.
 * @param path At which a socket may be for a moment.
 */
export async function sparePipes(
  c: Libc,
  lasting: Lasting,
  sealed: Pick<Libc, "epoll_ctl">,
  control: string,
  path: string,
): Promise<() => Promise<Deno.UnixConn>> {
  const listener = Deno.listen({ transport: "unix", path });
  const spares: Spare[] = [];
  for (let i = 0; i < SPARES; i++) {
    const connection = await Deno.connect({ transport: "unix", path });
    const seat = seatOf(c, path);
    // Nothing may ever come over it: an end that was seen is the end of the connection for Deno.
    sealed.epoll_ctl(seat.epoll, EPOLL_CTL_DEL, seat.fd, null);
    const quiet = quietSocket(c, true);
    c.dup3(quiet, seat.fd, O_CLOEXEC);
    c.close(quiet);
    spares.push({ connection, seat });
  }
  listener.close();
  c.unlink(cString(path));
  const address = unixAddress(control);
  const { length } = address;
  return () => {
    const fd = lasting.socket(AF_UNIX, SOCK_STREAM_CLOEXEC_NONBLOCK, 0);
    const called = fd >= 0 && lasting.connect(fd, address, length) === 0;
    const spare = called ? spares.shift() : undefined;
    if (spare !== undefined) {
      lasting.dup3(fd, spare.seat.fd, O_CLOEXEC);
      sealed.epoll_ctl(spare.seat.epoll, EPOLL_CTL_ADD, spare.seat.fd, null);
    }
    if (fd >= 0) lasting.close(fd);
    if (spare !== undefined) return Promise.resolve(spare.connection);
    return Promise.reject(new Error("The master does not answer"));
  };
}

/** The connection to this path that was opened last, and has not been taken away yet. */
function seatOf(c: Libc, path: string): Registration {
  const fd = openDescriptors(c).find((one) => {
    const peer = peerAddress(c, one);
    return peer?.family === "unix" && peer.path === path;
  });
  const seat = fd === undefined ? undefined : registrationOf(c, fd);
  if (seat === undefined) throw new Error("Cannot find the descriptor of Deno's own connection");
  return seat;
}

/** `struct sockaddr_un` (unix(7)). */
function unixAddress(path: string): Uint8Array<ArrayBuffer> {
  const text = cString(path);
  const bytes = new Uint8Array(2 + text.length);
  bytes[0] = AF_UNIX;
  bytes.set(text, 2);
  return bytes;
}
