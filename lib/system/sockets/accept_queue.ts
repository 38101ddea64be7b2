/**
 * Runs in the worker. Lets Deno's own servers accept on a listening socket that was inherited.
 *
 * Deno cannot listen on a descriptor, but its event loop is an epoll instance that the process can
 * see. So a throwaway listener is opened, the inherited socket is put in its place under the same
 * descriptor number (dup3(2)), and registered with epoll exactly as the throwaway was (the `tfd:`
 * lines of /proc/self/fdinfo, proc(5)). From then on Deno accepts on the shared socket at full speed.
 * Taking the registration away again stops that, while connections stay queued for the successor.
 *
 * @module
 */

import { check, ERRNO, lastErrno, type Libc, systemCallError } from "../libc.ts";
import {
  descriptorInfo,
  descriptorTarget,
  duplicate,
  O_CLOEXEC,
  openDescriptors,
  socketInode,
} from "../descriptor.ts";
import {
  FAMILY,
  inetSockaddr,
  localAddress,
  SOCKET_TYPE,
  type SocketAddress,
} from "./socket_address.ts";

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;

/** One line of an epoll instance's fdinfo: which descriptor it watches, for what, and its label. */
export interface Registration {
  /** The epoll instance. */
  readonly epoll: number;
  /** What it watches. */
  readonly fd: number;
  readonly inode: number;
  readonly events: number;
  readonly data: bigint;
}

/** Takes a descriptor away from an epoll instance; nothing happens if it is not there. */
export function unregister(c: Libc, { epoll, fd }: Registration): void {
  c.epoll_ctl(epoll, EPOLL_CTL_DEL, fd, null);
}

/** What the descriptor of an epoll instance stands for: to ask that is cheaper than to look into it. */
const EPOLL = "anon_inode:[eventpoll]";

/** All registrations of all epoll instances of this process. */
function registrations(c: Libc): Registration[] {
  return openDescriptors(c).filter((fd) => descriptorTarget(c, fd) === EPOLL)
    .flatMap((fd) => registrationsIn(c, fd));
}

/** The registrations of one epoll instance, looked up anew; none for a descriptor of another kind. */
export function registrationsIn(c: Libc, epoll: number): Registration[] {
  const lines = descriptorInfo(c, epoll).matchAll(
    /^tfd:\s*(\d+) events:\s*([0-9a-f]+) data:\s*([0-9a-f]+)\b.* ino:([0-9a-f]+)/gm,
  );
  return [...lines].map(([, fd = "", events = "", data = "", inode = ""]) => ({
    epoll,
    fd: Number(fd),
    inode: Number.parseInt(inode, 16),
    events: Number.parseInt(events, 16),
    data: BigInt(`0x${data}`),
  }));
}

/** How a descriptor is registered with the first epoll instance that has it: Deno has one, made early. */
export function registrationOf(c: Libc, fd: number): Registration | undefined {
  for (let epoll = FIRST_FD; epoll < fd; epoll++) {
    const found = registrationsIn(c, epoll).find((registration) => registration.fd === fd);
    if (found !== undefined) return found;
  }
  return registrations(c).find((registration) => registration.fd === fd);
}

/** The first one behind the standard streams. */
const FIRST_FD = 3;

/** `struct epoll_event`: packed on x86-64, aligned elsewhere (epoll_event(3type)). */
function epollEvent(registration: Registration): Uint8Array<ArrayBuffer> {
  const dataAt = Deno.build.arch === "x86_64" ? 4 : 8;
  const bytes = new Uint8Array(dataAt + 8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, registration.events, true);
  view.setBigUint64(dataAt, registration.data, true);
  return bytes;
}

/**
 * Has an epoll instance watch a descriptor; nothing changes if it does already.
 *
 * @throws {SystemCallError} If it cannot.
 */
export function register(c: Libc, registration: Registration): void {
  const { epoll, fd } = registration;
  if (c.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, epollEvent(registration)) === 0) return;
  const errno = lastErrno(c);
  // Deno holds its epoll instance under more than one descriptor: the first one has done it already.
  if (errno !== ERRNO.EEXIST) throw systemCallError(c, "register a socket with epoll", errno);
}

/**
 * The descriptor of this process's listener at an address, which was opened just now. The kernel gives
 * the lowest number that is free, so it is most likely the highest one below that.
 *
 * @param known Any open descriptor.
 */
function descriptorOf(c: Libc, address: SocketAddress, known: number): number | null {
  const wanted = JSON.stringify(address);
  const isIt = (fd: number) => JSON.stringify(localAddress(c, fd)) === wanted;
  const free = duplicate(c, known);
  c.close(free);
  for (let fd = free - 1; fd >= FIRST_FD; fd--) {
    if (isIt(fd)) return fd;
  }
  return openDescriptors(c).find(isIt) ?? null;
}

/**
 * Puts the inherited listening socket in the place of the throwaway listener that Deno just opened at
 * `throwaway`. The inherited descriptor stays open beside it.
 *
 * @throws {Error} If the throwaway cannot be found, or a call fails.
 */
export function adopt(c: Libc, inherited: number, throwaway: SocketAddress): void {
  const fd = descriptorOf(c, throwaway, inherited);
  if (fd === null) throw new Error("Cannot find the descriptor of Deno's own listener");
  const watching = registrationOf(c, fd);
  if (watching === undefined) throw new Error("Cannot find the epoll registration of a listener");
  check(c, "dup3", c.dup3(inherited, fd, O_CLOEXEC));
  register(c, watching);
}

/** Lets servers that were stopped accept again: those on these inherited sockets, or all of them. */
export type Resume = (inherited?: readonly number[]) => void;

/**
 * Stops every server of this process, of whatever kind, from accepting on these inherited sockets.
 * Connections stay in their queues for whoever accepts on them next.
 *
 * @returns A function that lets the same servers accept again; those that have ended meanwhile stay away.
 */
export function stopAccepting(c: Libc, ...inherited: readonly number[]): Resume {
  const inodes = new Map(inherited.map((fd) => [fd, socketInode(c, fd)]));
  const watching = watchersOf(c, inodes.values());
  // A server may use the inherited number itself, which is about to stand for another socket.
  const kept = new Map(
    inherited.filter((fd) => watching.some((one) => one.fd === fd))
      .map((fd) => [fd, duplicate(c, fd)]),
  );
  const quiet = takeOff(c, watching);
  const stopped = new Set(inherited);
  return (only = inherited) => {
    for (const own of only) {
      if (!stopped.delete(own)) continue;
      const inode = inodes.get(own);
      // The number of a server that has ended may stand for something else by now.
      const again = watching.filter((one) =>
        one.inode === inode && socketInode(c, one.fd) === quiet.get(one.fd)
      );
      for (const { fd } of again) check(c, "dup3", c.dup3(kept.get(own) ?? own, fd, O_CLOEXEC));
      for (const registration of again) register(c, registration);
      const duplicated = kept.get(own);
      if (duplicated !== undefined) c.close(duplicated);
    }
  };
}

/** Like {@linkcode stopAccepting}, for good: the inherited descriptors are closed as well. */
export function leaveQueues(c: Libc, ...inherited: readonly number[]): void {
  const silenced = takeOff(c, watchersOf(c, inherited.map((fd) => socketInode(c, fd))));
  for (const fd of inherited) {
    if (!silenced.has(fd)) c.close(fd);
  }
}

/** True if something in this process waits for connections of an inherited socket. */
export function isServed(c: Libc, inherited: number): boolean {
  return watchersOf(c, [socketInode(c, inherited)]).length > 0;
}

/** How the servers on sockets with these inodes are registered. */
function watchersOf(c: Libc, inodes: Iterable<number | null>): Registration[] {
  const wanted = new Set(inodes);
  return registrations(c).filter(({ inode }) => wanted.has(inode));
}

/**
 * Takes servers off their sockets.
 *
 * @returns The inode of the socket that each of their descriptors stands for now.
 */
function takeOff(c: Libc, watching: readonly Registration[]): Map<number, number | null> {
  for (const registration of watching) unregister(c, registration);
  const fds = new Set(watching.map((registration) => registration.fd));
  return new Map([...fds].map((fd) => {
    silence(c, fd);
    return [fd, socketInode(c, fd)];
  }));
}

/**
 * Puts a listener that nobody knows under the number of one that must not accept any more: a server
 * that is in the middle of accepting finds an empty queue, not one more connection.
 */
function silence(c: Libc, fd: number): void {
  const address = localAddress(c, fd);
  if (address === null) return;
  const quiet = quietSocket(c, address.family === "unix");
  if (quiet < 0) return;
  c.dup3(quiet, fd, O_CLOEXEC);
  c.close(quiet);
}

/** A listener at an address that nobody knows. */
export function quietSocket(c: Libc, unix: boolean): number {
  const fd = c.socket(unix ? FAMILY.UNIX : FAMILY.INET, SOCKET_TYPE.STREAM, 0);
  // A Unix socket bound to nothing but its family gets a random abstract name (unix(7), autobind).
  const address = unix ? new Uint8Array([FAMILY.UNIX, 0]) : inetSockaddr(c, "127.0.0.1", 0);
  if (fd >= 0 && address !== null) c.bind(fd, address, address.length);
  c.listen(fd, 1);
  return fd;
}

const IPPROTO_TCP = 6;
const TCP_INFO = 11;
/** Where `tcpi_unacked` stands in `struct tcp_info`; for a listening socket it is the queue's length. */
const UNACKED_OFFSET = 24;
/** Where `tcpi_notsent_bytes` stands. */
const NOT_SENT_OFFSET = 144;
const TCP_INFO_SIZE = 148;

/** Number of connections that wait in the queue of a listening TCP socket (tcp(7)); 0 for others. */
export function queueLength(c: Libc, fd: number): number {
  return tcpInfo(c, fd)?.getUint32(UNACKED_OFFSET, true) ?? 0;
}

/** True if the peer's kernel has all that was written to a TCP connection; false for others. */
export function hasSentAll(c: Libc, fd: number): boolean {
  const info = tcpInfo(c, fd);
  return info?.getUint32(UNACKED_OFFSET, true) === 0 && info.getUint32(NOT_SENT_OFFSET, true) === 0;
}

/** `struct tcp_info` of linux/tcp.h, as far as it has been there since Linux 4.6; null: no TCP socket. */
export function tcpInfo(c: Libc, fd: number): DataView | null {
  const info = new Uint8Array(TCP_INFO_SIZE);
  const size = new Uint8Array(new Uint32Array([info.length]).buffer);
  return c.getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, size) === 0
    ? new DataView(info.buffer)
    : null;
}
