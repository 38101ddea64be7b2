/**
 * Runs in the worker, where it is a sandbox. The operations on connections of clients: list them, and end
 * them in order. See `sealed_files.ts` for how they are written.
 *
 * @module
 */

import { type OpenFile, type RetainedCalls, whole } from "./sealed_files.ts";
import { ADDRESS_BYTES, sealedAddresses } from "./sealed_addresses.ts";
import {
  type DetachedConnections,
  detachedConnections,
  type DetachSetup,
} from "./sealed_detaching.ts";

/** What was arranged before the script. */
export interface SealedConnectionSetup extends DetachSetup {
  /** A descriptor of /proc/self/fd. */
  readonly directory: number;
  /** Ports of the sockets of the instance; 0: it is a Unix socket. */
  readonly ports: readonly number[];
  /** Their paths as in `sun_path`, with their lengths; of TCP sockets they are empty. */
  readonly paths: readonly { readonly bytes: Uint8Array<ArrayBuffer>; readonly length: number }[];
}

/** The operations. A connection has the name that {@linkcode SealedConnections.nameAt} gives it. */
export interface SealedConnections extends DetachedConnections {
  /** Lists the connections whose near end is a socket of the instance; returns how many there are. */
  readonly list: () => number;
  /** The name of the connection at a place of the last list; it means nothing once there is another list. */
  readonly nameAt: (place: unknown) => number;
  /** Writes the far address (`struct sockaddr`); returns the place of its socket, or -1. */
  readonly describe: (name: unknown, into: Record<number, number>) => number;
  /** True if the client's kernel has all that was written; false for others than TCP. */
  readonly hasSentAll: (name: unknown) => boolean;
  /** Nothing more is sent. */
  readonly endSending: (name: unknown) => void;
  /** Writes `struct tcp_info`; false: it is no TCP connection, or gone. */
  readonly describeTraffic: (name: unknown, into: Record<number, number>) => boolean;
  /** How many descriptors this process has. */
  readonly countDescriptors: () => number;
  /** Holds so many descriptors for nothing, at most {@linkcode MOST_HELD}; returns how many there are now. */
  readonly holdDescriptors: (count: unknown) => number;
}

/** How many descriptors can be held for nothing. */
export const MOST_HELD = 16;
/** Bytes of `struct tcp_info`, as far as it is told. */
export const TCP_INFO_BYTES = 148;

/** How many connections are told apart, and held. */
const PLACE_BITS = 16;
const MOST = 1 << PLACE_BITS;
/** The number of a list, beside a place, in a number of 32 bits. */
const MOST_LISTS = (1 << 15) - 1;
const NONE = -1;
const BLOCK_BYTES = 32_768;
/** `struct linux_dirent64` of getdents64(2): where its length and its name are. */
const [RECORD_LENGTH_AT, NAME_AT] = [16, 19];
const [AF_UNIX, AF_INET, AF_INET6] = [1, 2, 10];
const [IPPROTO_TCP, TCP_INFO] = [6, 11];
/** Where `tcpi_unacked` and `tcpi_notsent_bytes` are in `struct tcp_info`. */
const [UNACKED_AT, NOT_SENT_AT] = [24, 144];
const [SHUT_WR, SEEK_SET, F_DUPFD_CLOEXEC] = [1, 0, 1030];
const ZERO = 48;

const toNumber = Number;
const seekBegin = 0n;

/** Makes the operations. */
export function sealedConnections(
  c: Pick<
    RetainedCalls,
    | "getdents64"
    | "lseek"
    | "getsockname"
    | "getpeername"
    | "getsockopt"
    | "shutdown"
    | "recv"
    | "fcntl"
    | "socket"
  >,
  { files, swapper, staging, quiet, directory, ports, paths }: SealedConnectionSetup,
): SealedConnections {
  const ends = ports.length;
  const block = new Uint8Array(BLOCK_BYTES);
  const blockSize = BigInt(BLOCK_BYTES);
  const { address, addressOf } = sealedAddresses();
  const size = new Uint8Array(4);
  const info = new Uint8Array(TCP_INFO_BYTES);
  const listed = new Int32Array(MOST);
  const listedFiles = new Array<OpenFile | null>(MOST).fill(null);
  const listedEnds = new Int32Array(MOST);
  const spare = new Int32Array(MOST_HELD);
  /** The number of the last list, which is a part of each name: the names of an earlier one mean nothing. */
  let lists = 0;
  let listedCount = 0;
  let spareCount = 0;
  /** The directory is read with this. */
  let filled = 0;
  let at = 0;

  function begin(): void {
    c.lseek(directory, seekBegin, SEEK_SET);
    filled = at = 0;
  }

  /** The next open descriptor; -1: that was all. */
  function next(): number {
    while (true) {
      if (at >= filled) {
        filled = toNumber(c.getdents64(directory, block, blockSize));
        at = 0;
        if (filled <= 0) return NONE;
      }
      const record = at;
      const length = (block[record + RECORD_LENGTH_AT] ?? 0) |
        ((block[record + RECORD_LENGTH_AT + 1] ?? 0) << 8);
      if (length <= NAME_AT) return NONE;
      at += length;
      const fd = numberAt(record + NAME_AT);
      if (fd !== NONE) return fd;
    }
  }

  /** -1 for a name that is no number. */
  function numberAt(start: number): number {
    let number = 0;
    for (let i = start; i < BLOCK_BYTES; i++) {
      const byte = block[i] ?? 0;
      if (byte === 0) return i === start ? NONE : number;
      if (byte < ZERO || byte > ZERO + 9) return NONE;
      number = number * 10 + byte - ZERO;
    }
    return NONE;
  }

  /** The place of the socket whose address is in memory now; -1: it is none of the instance's. */
  function endOf(length: number): number {
    const family = address[0] ?? 0;
    const port = family === AF_INET || family === AF_INET6
      ? (address[2] ?? 0) * 256 + (address[3] ?? 0)
      : 0;
    for (let i = 0; i < ends; i++) {
      if (port !== 0 && ports[i] === port) return i;
      const path = paths[i];
      if (family === AF_UNIX && port === 0 && ports[i] === 0 && path !== undefined) {
        if (isPath(path.bytes, path.length, length)) return i;
      }
    }
    return NONE;
  }

  function isPath(path: Uint8Array<ArrayBuffer>, length: number, size: number): boolean {
    if (length === 0 || size < 2 + length) return false;
    for (let i = 0; i < length; i++) {
      if (address[2 + i] !== path[i]) return false;
    }
    const next = 2 + length;
    return size === next || address[next] === 0;
  }

  /** The place in the last list; -1: it is none. */
  function placeOf(given: unknown): number {
    const name = whole(given);
    return name >> PLACE_BITS === lists ? name & (MOST - 1) : NONE;
  }

  function fileAt(given: unknown): OpenFile | null {
    const place = placeOf(given);
    return place >= 0 && place < listedCount ? listedFiles[place] ?? null : null;
  }

  /** The descriptor of a listed connection, if it is still the same one; -1: it is not. */
  function descriptorAt(given: unknown): number {
    const place = placeOf(given);
    const fd = place >= 0 && place < listedCount ? listed[place] ?? NONE : NONE;
    return files.is(fd, fileAt(given)) ? fd : NONE;
  }

  const { has, ...detached } = detachedConnections(c, { files, swapper, staging, quiet }, {
    most: MOST,
    descriptorAt,
    fileAt,
  });

  function list(): number {
    listedCount = 0;
    lists = lists === MOST_LISTS ? 1 : lists + 1;
    begin();
    for (let fd = next(); fd !== NONE && listedCount < MOST; fd = next()) {
      if (has(fd)) continue;
      const length = addressOf(c.getsockname, fd);
      const end = length === 0 ? NONE : endOf(length);
      if (end === NONE || addressOf(c.getpeername, fd) === 0) continue;
      listed[listedCount] = fd;
      listedEnds[listedCount] = end;
      listedFiles[listedCount] = files.identify(fd);
      listedCount++;
    }
    return listedCount;
  }

  function hasSentAll(fd: number): boolean {
    size[0] = TCP_INFO_BYTES;
    size[1] = size[2] = size[3] = 0;
    if (c.getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, size) !== 0) return false;
    for (let i = 0; i < 4; i++) {
      if (info[UNACKED_AT + i] !== 0 || info[NOT_SENT_AT + i] !== 0) return false;
    }
    return true;
  }

  return {
    list,
    nameAt: (given) => (lists << PLACE_BITS) | (whole(given) & (MOST - 1)),
    describe: (given, into) => {
      const name = whole(given);
      const fd = descriptorAt(name);
      if (fd === NONE) return NONE;
      const length = addressOf(c.getpeername, fd);
      if (length === 0) return NONE;
      for (let i = 0; i < ADDRESS_BYTES; i++) into[i] = i < length ? address[i] ?? 0 : 0;
      return listedEnds[placeOf(name)] ?? NONE;
    },
    hasSentAll: (given) => {
      const fd = descriptorAt(given);
      return fd !== NONE && hasSentAll(fd);
    },
    endSending: (given) => {
      const fd = descriptorAt(given);
      if (fd !== NONE) c.shutdown(fd, SHUT_WR);
    },
    describeTraffic: (given, into) => {
      const fd = descriptorAt(given);
      size[0] = TCP_INFO_BYTES;
      size[1] = size[2] = size[3] = 0;
      if (fd === NONE || c.getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, size) !== 0) return false;
      for (let i = 0; i < TCP_INFO_BYTES; i++) into[i] = info[i] ?? 0;
      return true;
    },
    ...detached,
    countDescriptors: () => {
      const size = files.sizeOf(directory);
      if (size > 0) return size;
      // Before Linux 6.2 the directory has no size.
      let count = 0;
      begin();
      for (let fd = next(); fd !== NONE; fd = next()) count++;
      return count;
    },
    holdDescriptors: (given) => {
      const asked = whole(given);
      while (spareCount > 0 && spareCount > asked) {
        spareCount--;
        const fd = spare[spareCount] ?? NONE;
        if (files.is(fd, quiet.file)) files.close(fd);
      }
      while (spareCount < asked && spareCount < MOST_HELD) {
        const fd = c.fcntl(quiet.fd, F_DUPFD_CLOEXEC, 0);
        if (fd < 0) break;
        spare[spareCount] = fd;
        spareCount++;
      }
      return spareCount;
    },
  };
}
