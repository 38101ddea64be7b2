/**
 * Runs in the worker, where it is a sandbox. What is left of the C library when the permission for foreign functions is
 * given back: the functions that duwsgi's own modules need while the script runs, each of them able to
 * do only what these need.
 *
 * They are safe in anybody's hands, and have to be: a script can replace what the modules that call them
 * rely on (`TextEncoder.prototype.encode` makes the paths), import these modules by their path, and call
 * them with whatever it likes. So here
 *  - nothing is called that a script could have replaced: no methods, no globals, no iterators; memory is
 *    read and written by index;
 *  - the kernel writes only to memory that belongs to this module, and reads paths only from there;
 *  - arguments are compared with what is allowed, after they have been copied.
 *
 * @module
 */

import { cString, ERRNO, type Libc } from "../../system/libc.ts";
import type { Registrations } from "./registrations.ts";

/** The functions that outlive the permission. */
export const LASTING_FUNCTIONS = [
  "open",
  "read",
  "write",
  "readlink",
  "getdents64",
  "close",
  "dup3",
  "fcntl",
  "fcntl_lock",
  "listen",
  "shutdown",
  "recv",
  "getsockname",
  "getpeername",
  "getsockopt",
  "epoll_ctl",
  "alarm",
  "socket",
  "connect",
  "unlink",
  "rmdir",
] as const;

/** These, as they are. */
export type Lasting = Pick<Libc, typeof LASTING_FUNCTIONS[number]>;

/** What they may do. */
export interface Reach {
  /** The shared memory's descriptor, on which lines are locked and with which nothing else is done. */
  readonly memory: number;
  /** Descriptors that lines may be written to. */
  readonly log: number;
  /** The log's file, which may be opened again; empty: the log is none. */
  readonly logPath: string;
  /** Listeners that nobody knows, TCP and Unix. */
  readonly quiet: { readonly tcp: number; readonly unix: number };
  /** The epoll instances there are. */
  readonly epolls: readonly number[];
  /** How descriptors are registered with them. */
  readonly registrations: Registrations;
}

const PATH_BYTES = 4_096;
const BLOCK_BYTES = 16_384;
const FLOCK_BYTES = 32;
const ADDRESS_BYTES = 128;
const TCP_INFO_BYTES = 148;
const MOST_DESCRIPTORS = 1 << 20;
const OWN_ENTRY = 1;
const LOG_FILE = 2;

const [IPPROTO_TCP, TCP_INFO] = [6, 11];
const [AF_UNIX, AF_INET] = [1, 2];
const [EPOLL_CTL_ADD, EPOLL_CTL_DEL] = [1, 2];
const [F_DUPFD_CLOEXEC, F_SETFD, F_GETFL] = [1030, 2, 3];
const [F_GETFD, F_SETLKW] = [1, 7];
const [F_WRLCK, F_UNLCK] = [1, 2];
const O_CLOEXEC = 0o2000000;
const O_DIRECTORY = Deno.build.arch === "aarch64" ? 0o40000 : 0o200000;
const O_APPEND_TO = 1 | 0o2000 | O_CLOEXEC;
const MSG_DONTWAIT = 0x40;

/** A script may replace these, and has no hold of the ones here. */
const toNumber = Number;
const toBigInt = BigInt;
const { apply, getOwnPropertyDescriptor, getPrototypeOf } = Reflect;
const byteLengthOf = getOwnPropertyDescriptor(
  getPrototypeOf(Uint8Array.prototype) as object,
  "byteLength",
)?.get as () => number;

/** What callers pass, of which nothing is known. */
type Bytes = Record<number, number>;

/** Makes what takes the place of the functions in `libc`. */
export function sealedFunctions(
  libc: Libc,
  c: Lasting,
  { memory, log, logPath, quiet, epolls, registrations }: Reach,
): Partial<Libc> & Pick<Libc, "epoll_ctl"> {
  const path = new Uint8Array(PATH_BYTES);
  const block = new Uint8Array(BLOCK_BYTES);
  const [pathSize, blockSize] = [BigInt(PATH_BYTES), BigInt(BLOCK_BYTES)];
  const flock = new Uint8Array(FLOCK_BYTES);
  const address = new Uint8Array(ADDRESS_BYTES);
  const tcpInfo = new Uint8Array(TCP_INFO_BYTES);
  const size = new Uint8Array(4);
  /** What was opened here: {@linkcode OWN_ENTRY} or {@linkcode LOG_FILE}. */
  const opened = new Uint8Array(MOST_DESCRIPTORS);
  const epollCount = epolls.length;
  const at = libc.__errno_location();
  if (at === null) throw new Error("The C library has no errno");
  const errno = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(at, 4));
  const texts = Array.from({ length: 134 }, (_, number) => libc.errorText(number));
  let refusal = 0;

  const [descriptors, status] = ["/proc/self/fd", "/proc/self/status"].map(cString) as [
    Uint8Array,
    Uint8Array,
  ];
  const [link, info] = ["/proc/self/fd/", "/proc/self/fdinfo/"].map(cString) as [
    Uint8Array,
    Uint8Array,
  ];
  const logFile = cString(logPath);

  function refuse(): -1 {
    refusal = ERRNO.EACCES;
    return -1;
  }

  function take(text: unknown): void {
    refusal = 0;
    for (let i = 0; i < PATH_BYTES - 1; i++) {
      path[i] = (text as Bytes)[i] ?? 0;
      if (path[i] === 0) return;
    }
    path[PATH_BYTES - 1] = 0;
  }

  function isExactly(text: Uint8Array, length: number): boolean {
    for (let i = 0; i < length; i++) {
      if (path[i] !== text[i]) return false;
    }
    return true;
  }

  /** True if the path is this one, and a number behind it. */
  function isNumbered(text: Uint8Array, length: number): boolean {
    if (!isExactly(text, length - 1)) return false;
    let i = length - 1;
    while ((path[i] ?? 0) >= 48 && (path[i] ?? 0) <= 57) i++;
    return i >= length && path[i] === 0;
  }

  function give(from: Uint8Array, length: number, into: unknown): void {
    for (let i = 0; i < length; i++) (into as Bytes)[i] = from[i] ?? 0;
  }

  const [descriptorsLength, statusLength] = [descriptors.length, status.length];
  const [linkLength, infoLength, logLength] = [link.length, info.length, logFile.length];

  function isOpen(fd: number): boolean {
    return fd >= 0 && fd < MOST_DESCRIPTORS && opened[fd] === OWN_ENTRY;
  }

  function marked(fd: number, what: number): number {
    if (fd >= 0 && fd < MOST_DESCRIPTORS) opened[fd] = what;
    return fd;
  }

  function isLog(fd: number): boolean {
    return fd === log || fd === 1 || fd === 2 ||
      (fd >= 0 && fd < MOST_DESCRIPTORS && opened[fd] === LOG_FILE);
  }

  function isSocket(fd: number): boolean {
    size[0] = ADDRESS_BYTES;
    size[1] = size[2] = size[3] = 0;
    return c.getsockname(fd, address, size) === 0;
  }

  function open(text: unknown): number {
    take(text);
    // One byte is the end of an empty text.
    if (logLength > 1 && isExactly(logFile, logLength)) {
      return marked(c.open(path, O_APPEND_TO), LOG_FILE);
    }
    const directory = isExactly(descriptors, descriptorsLength);
    const allowed = directory || isExactly(status, statusLength) || isNumbered(info, infoLength);
    if (!allowed) return refuse();
    return marked(c.open(path, directory ? O_CLOEXEC | O_DIRECTORY : O_CLOEXEC), OWN_ENTRY);
  }

  function readBlock(call: Lasting["read"], given: number, into: unknown): bigint {
    const fd = whole(given);
    if (!isOpen(fd)) return toBigInt(refuse());
    refusal = 0;
    const bytes = call(fd, block, blockSize);
    give(block, toNumber(bytes), into);
    return bytes;
  }

  function addressOf(call: Lasting["getsockname"], given: number, into: unknown, length: unknown) {
    const fd = whole(given);
    refusal = 0;
    size[0] = ADDRESS_BYTES;
    size[1] = size[2] = size[3] = 0;
    const result = call(fd, address, size);
    if (result < 0) return result;
    // A name that does not fit is cut off, as the kernel would do.
    let room = firstOf(length);
    if (room > (size[0] ?? 0)) room = size[0] ?? 0;
    if (room > ADDRESS_BYTES) room = ADDRESS_BYTES;
    give(address, room, into);
    give(size, 4, length);
    return result;
  }

  return {
    errno: () => refusal !== 0 ? refusal : errno[0] ?? 0,
    errorText: (number) => texts[number] ?? "",
    open,
    read: (fd, into) => readBlock(c.read, fd, into),
    getdents64: (fd, into) => readBlock(c.getdents64, fd, into),
    readlink: (text, into) => {
      take(text);
      if (!isNumbered(link, linkLength)) return toBigInt(refuse());
      const bytes = c.readlink(path, block, pathSize);
      give(block, toNumber(bytes), into);
      return bytes;
    },
    write: (given, bytes, asked) => {
      const fd = whole(given);
      const length = toBigInt(asked);
      refusal = 0;
      if (fd !== log && fd !== 2 && fd !== 1) return toBigInt(refuse());
      if (length < 0n || length > apply(byteLengthOf, bytes, [])) return toBigInt(refuse());
      return c.write(fd, bytes, length);
    },
    close: (given) => {
      const fd = whole(given);
      refusal = 0;
      if (fd === memory || fd < 3) return refuse();
      if (fd < MOST_DESCRIPTORS) opened[fd] = 0;
      return c.close(fd);
    },
    dup3: (given, taken, flags) => {
      const from = whole(given);
      const to = whole(taken);
      refusal = 0;
      // Deno has files open that nobody is to write to, such as its cache of compiled code.
      if (isSocket(from) ? to > 2 && !isSocket(to) : !isLog(from)) return refuse();
      if (to === memory || to < 1) return refuse();
      for (let i = 0; i < epollCount; i++) registrations.note(epolls[i] ?? -1, to);
      if (to < MOST_DESCRIPTORS) opened[to] = 0;
      return c.dup3(from, to, whole(flags) & O_CLOEXEC);
    },
    fcntl: (given, asked, argument) => {
      const fd = whole(given);
      const command = whole(asked);
      refusal = 0;
      const asks = command === F_GETFD || command === F_GETFL;
      if (fd === memory) return asks ? c.fcntl(fd, command, 0) : command === F_SETFD ? 0 : refuse();
      if (asks || command === F_SETFD || command === F_DUPFD_CLOEXEC) {
        return c.fcntl(fd, command, whole(argument));
      }
      return refuse();
    },
    fcntl_lock: (fd, command, lock) => {
      refusal = 0;
      const type = firstOf(lock);
      if (fd !== memory || command !== F_SETLKW) return refuse();
      if (type !== F_WRLCK && type !== F_UNLCK) return refuse();
      flock[0] = type;
      return c.fcntl_lock(fd, F_SETLKW, flock);
    },
    listen: (fd, backlog) => {
      refusal = 0;
      return c.listen(whole(fd), whole(backlog));
    },
    // Only for sockets that take the place of one that is not to accept any more: these are there already.
    socket: (asked) => {
      const family = whole(asked);
      refusal = 0;
      if (family !== AF_UNIX && family !== AF_INET) return refuse();
      return c.fcntl(family === AF_UNIX ? quiet.unix : quiet.tcp, F_DUPFD_CLOEXEC, 3);
    },
    bind: () => 0,
    inet_pton: () => 0,
    // Throwaway listeners have been removed already.
    unlink: () => 0,
    shutdown: (fd, how) => {
      refusal = 0;
      return c.shutdown(whole(fd), whole(how));
    },
    // What is read is thrown away.
    recv: (fd) => {
      refusal = 0;
      return c.recv(whole(fd), block, blockSize, MSG_DONTWAIT);
    },
    getsockname: (fd, into, length) => addressOf(c.getsockname, fd, into, length),
    getpeername: (fd, into, length) => addressOf(c.getpeername, fd, into, length),
    getsockopt: (given, level, name, into) => {
      const fd = whole(given);
      refusal = 0;
      if (level !== IPPROTO_TCP || name !== TCP_INFO) return refuse();
      size[0] = TCP_INFO_BYTES;
      size[1] = size[2] = size[3] = 0;
      const result = c.getsockopt(fd, IPPROTO_TCP, TCP_INFO, tcpInfo, size);
      if (result === 0) give(tcpInfo, TCP_INFO_BYTES, into);
      return result;
    },
    epoll_ctl: (instance, asked, given) => {
      const epoll = whole(instance);
      const operation = whole(asked);
      const fd = whole(given);
      refusal = 0;
      if (operation === EPOLL_CTL_DEL) {
        registrations.note(epoll, fd);
        return c.epoll_ctl(epoll, operation, fd, null);
      }
      if (operation !== EPOLL_CTL_ADD) return refuse();
      const event = registrations.take(epoll, fd);
      return event === null ? 0 : c.epoll_ctl(epoll, operation, fd, event);
    },
    alarm: (seconds) => c.alarm(whole(seconds)),
  };
}

/** A number that stays the same whenever it is looked at. */
function whole(given: number): number {
  return given | 0;
}

function firstOf(given: unknown): number {
  return whole((given as Bytes)[0] ?? 0);
}
