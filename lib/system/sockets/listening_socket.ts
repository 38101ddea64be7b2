/**
 * Runs in the master. Binds the sockets that workers inherit. Of the TCP sockets of an address the first
 * one listens at once, and the address is nobody else's from then on. The others join it with the first
 * worker of their slot: a bound socket is not part of the kernel's SO_REUSEPORT group before listen(2),
 * so no connection waits in the queue of a slot that has no worker yet.
 *
 * @module
 */

import { setInherited, setNonblocking } from "../descriptor.ts";
import { descriptorStatus, isSameFile } from "../files/file_status.ts";
import { check, ERRNO, type Libc, libc, SystemCallError } from "../libc.ts";
import type { OwnedPath } from "../files/owned_path.ts";
import {
  isRoot,
  isStill,
  openPlace,
  type TrustedName,
  UnsafePathError,
} from "../files/trusted_path.ts";
import {
  FAMILY,
  inetSockaddr,
  localAddress,
  SOCKET_TYPE,
  SOL_SOCKET,
  unixSockaddr,
} from "./socket_address.ts";

const SO_REUSEADDR = 2;
const SO_TYPE = 3;
const SO_KEEPALIVE = 9;
const SO_REUSEPORT = 15;
const SO_ACCEPTCONN = 30;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const SOCK_STREAM = 1;
/** Opens the file that a Unix socket is bound to, O_PATH (ioctl; takes CAP_NET_ADMIN). */
const SIOCUNIXFILE = 0x89e0n;

/** What a TCP listening socket is made with. */
export interface TcpSocketOptions {
  /** Numeric IPv4 or IPv6 address. */
  readonly host: string;
  /** Port; 0 lets the kernel choose. */
  readonly port: number;
  /** Join the other sockets of this address through SO_REUSEPORT (socket(7)). */
  readonly reusePort: boolean;
  /** Set SO_KEEPALIVE, which accepted connections inherit. */
  readonly keepalive: boolean;
}

/**
 * Binds a TCP socket and returns its descriptor.
 *
 * @throws {SystemCallError} If the address is in use, not local, or not allowed.
 */
export function bindTcp(c: Libc, options: TcpSocketOptions): number {
  const address = inetSockaddr(c, options.host, options.port);
  if (address === null) throw new TypeError(`Not a numeric address: "${options.host}"`);
  const family = address.length === 16 ? FAMILY.INET : FAMILY.INET6;
  return bound(c, family, address, (fd) => {
    setOption(c, fd, SO_REUSEADDR);
    if (options.reusePort) setOption(c, fd, SO_REUSEPORT);
    if (options.keepalive) setOption(c, fd, SO_KEEPALIVE);
  });
}

/**
 * Binds a TCP socket that listens, and has its address to itself: sockets that are merely bound share an
 * address under SO_REUSEADDR, but the kernel lets only one of them listen. Others of this user could join
 * one with SO_REUSEPORT, which a second instance would do unnoticed; so it has that option only
 * afterwards, for the sockets of further slots.
 *
 * @param backlog How many connections may wait.
 * @throws {SystemCallError} With EADDRINUSE if somebody else has the address, also if they were faster
 * by a moment.
 */
export function claimTcp(c: Libc, options: TcpSocketOptions, backlog: number): number {
  const fd = bindTcp(c, { ...options, reusePort: false });
  try {
    check(c, "listen", c.listen(fd, backlog));
    if (options.reusePort) setOption(c, fd, SO_REUSEPORT);
    return fd;
  } catch (error) {
    c.close(fd);
    throw error;
  }
}

/**
 * Makes sure that nobody else listens at the address, for sockets that do not listen yet.
 *
 * @throws {SystemCallError} With EADDRINUSE if somebody does.
 */
export function probeTcp(c: Libc, host: string, port: number): void {
  c.close(bindTcp(c, { host, port, reusePort: false, keepalive: false }));
}

/** The port that a bound TCP socket really has. */
export function boundPort(c: Libc, fd: number): number {
  const address = localAddress(c, fd);
  return address !== null && "port" in address ? address.port : 0;
}

/**
 * Binds an abstract Unix socket, which has a name and no file.
 *
 * @throws {SystemCallError} If the name is in use.
 */
export function bindAbstract(c: Libc, name: string): number {
  return bound(c, FAMILY.UNIX, unixSockaddr(name, true));
}

/**
 * Binds a Unix socket at a path. Only a socket that nobody listens on any more is replaced.
 *
 * @param mode Mode of the file, less the umask: it has it from the first moment on. @default 0o777
 * @throws {SystemCallError} If a live server has the path (EADDRINUSE) or bind(2) fails.
 * @throws {Deno.errors.AlreadyExists} If something else than a socket is there.
 * @throws {UnsafePathError} If the path cannot be trusted.
 */
export async function bindUnix(c: Libc, path: string, mode: number | null = null): Promise<number> {
  await removeStaleSocket(path);
  return bindUnixAnew(c, path, mode);
}

/**
 * The same at a path where nothing is.
 *
 * @throws {SystemCallError} If bind(2) fails, with EADDRINUSE if something is there.
 */
export function bindUnixAnew(c: Libc, path: string, mode: number | null = null): number {
  return bound(c, FAMILY.UNIX, unixSockaddr(path, false), (fd) => {
    // Linux makes the file with the mode of the socket.
    if (mode !== null) check(c, "fchmod", c.fchmod(fd, mode));
  });
}

/** A Unix socket that was bound just now, and the file that it has made. */
export interface BoundUnixSocket {
  readonly fd: number;
  readonly file: OwnedPath;
}

/**
 * {@linkcode bindUnixAnew}, and which file that has made.
 *
 * @throws {SystemCallError} If bind(2) fails, with EADDRINUSE if something is there.
 * @throws {UnsafePathError} If something else is there: somebody has replaced it, or the way to it.
 */
export function bindUnixFile(c: Libc, path: string, mode: number | null = null): BoundUnixSocket {
  // It is opened before: nothing behind bind(2) may fail for want of a descriptor.
  using place = openPlace(c, path, { follow: false });
  const fd = bindUnixAnew(c, path, mode);
  try {
    return { fd, file: fileOf(c, fd, place, path) };
  } catch (error) {
    c.close(fd);
    throw error;
  }
}

/**
 * The file of a Unix socket that was bound at a path just now.
 *
 * @throws {UnsafePathError} If something else is there: somebody has replaced it, or the way to it.
 */
export function socketFile(c: Libc, fd: number, path: string): OwnedPath {
  using place = openPlace(c, path, { follow: false });
  return fileOf(c, fd, place, path);
}

function fileOf(c: Libc, fd: number, place: TrustedName, path: string): OwnedPath {
  const status = place.status();
  const file = c.ioctl(fd, SIOCUNIXFILE, 0n);
  const bound = file < 0 ? status : descriptorStatus(c, file);
  if (file >= 0) c.close(file);
  // Where the kernel does not tell, a socket that root has just made can be told by its owner.
  const isCertain = file >= 0 || !isRoot(c);
  const isOurs = status !== null && bound !== null && isSameFile(status, bound) &&
    status.type === "socket" && (isCertain || (status.links === 1 && status.uid === 0));
  if (!isOurs) throw new UnsafePathError(`"${path}" was replaced by something else meanwhile`);
  return { path: place.path, inode: status.inode, device: status.device };
}

/**
 * Removes a Unix socket that nobody listens on any more, so that the path can be bound.
 *
 * @throws {SystemCallError} If a live server has the path (EADDRINUSE).
 * @throws {Deno.errors.AlreadyExists} If something else than a socket is there.
 * @throws {UnsafePathError} If the path cannot be trusted.
 */
export async function removeStaleSocket(path: string): Promise<void> {
  const c = libc();
  if (c === null) return await removeStaleByPath(path);
  using place = openPlace(c, path, { follow: false });
  const status = place.status();
  if (status === null) return;
  await refuseLiveSocket(path, status.type === "socket");
  if (!isStill(place, status)) return;
  place.remove();
}

/** Without foreign functions, and so without the rights of another user. */
async function removeStaleByPath(path: string): Promise<void> {
  let info: Deno.FileInfo;
  try {
    info = Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  await refuseLiveSocket(path, info.isSocket === true);
  Deno.removeSync(path);
}

async function refuseLiveSocket(path: string, isSocket: boolean): Promise<void> {
  if (!isSocket) throw new Deno.errors.AlreadyExists(`"${path}" exists and is not a socket`);
  if (await isLive(path)) {
    throw new SystemCallError("bind", ERRNO.EADDRINUSE, "another server is listening there");
  }
}

async function isLive(path: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    if (error instanceof Deno.errors.NotFound) return false;
    // A full queue or a missing permission: somebody may well be there.
    return true;
  }
}

/**
 * Takes a listening socket that this process was started with. Children do not inherit it from now on.
 *
 * @throws {TypeError} If the descriptor is not open, or not a stream socket that listens.
 */
export function adoptDescriptor(c: Libc, fd: number): void {
  const type = intOption(c, fd, SOL_SOCKET, SO_TYPE);
  if (type === null) throw new TypeError(`Descriptor ${fd} is not an open socket`);
  const listens = intOption(c, fd, SOL_SOCKET, SO_ACCEPTCONN) === 1;
  if (type !== SOCK_STREAM || localAddress(c, fd) === null || !listens) {
    throw new TypeError(
      `Descriptor ${fd} is not a TCP or Unix stream socket that listens ` +
        "(a socket unit has ListenStream= and Accept=no)",
    );
  }
  setInherited(c, fd, false);
  setNonblocking(c, fd);
}

/** True if IPv4 clients reach an IPv6 socket as well (ipv6(7), IPV6_V6ONLY). */
export function acceptsIpv4(c: Libc, fd: number): boolean {
  return intOption(c, fd, IPPROTO_IPV6, IPV6_V6ONLY) === 0;
}

/** A socket option that is a number (getsockopt(2)); null when the descriptor does not have it. */
function intOption(c: Libc, fd: number, level: number, option: number): number | null {
  const value = new Int32Array(1);
  const size = new Uint8Array(new Uint32Array([4]).buffer);
  const failed = c.getsockopt(fd, level, option, new Uint8Array(value.buffer), size) !== 0;
  return failed ? null : value[0] ?? null;
}

function setOption(c: Libc, fd: number, option: number): void {
  check(c, "setsockopt", c.setsockopt(fd, SOL_SOCKET, option, new Uint8Array([1, 0, 0, 0]), 4));
}

function bound(
  c: Libc,
  family: number,
  address: Uint8Array<ArrayBuffer>,
  prepare: (fd: number) => void = () => {},
): number {
  const fd = check(c, "socket", c.socket(family, SOCKET_TYPE.STREAM, 0));
  try {
    prepare(fd);
    check(c, "bind", c.bind(fd, address, address.length));
    return fd;
  } catch (error) {
    c.close(fd);
    throw error;
  }
}
