/**
 * Runs in the worker, where it is a sandbox. Takes connections of clients away from their servers, and ends
 * them in order. See `sealed_files.ts` for how it is written.
 *
 * @module
 */

import { sealedAddresses } from "./sealed_addresses.ts";
import {
  FILE_TYPE,
  type OpenFile,
  type RetainedCalls,
  type SealedFiles,
  whole,
} from "./sealed_files.ts";
import { MOST_TOGETHER, type Swapper } from "./swap.ts";

/** What was arranged before the script. */
export interface DetachSetup {
  readonly files: SealedFiles;
  readonly swapper: Swapper;
  /** A descriptor whose number is guarded, where a socket is looked at before it is used. */
  readonly staging: number;
  /** What the staging descriptor stands for at other times. */
  readonly quiet: { readonly fd: number; readonly file: OpenFile };
}

/** Connections that were listed. */
interface Listed {
  /** How many there are at most. */
  readonly most: number;
  /** The descriptor of one of them, if it is still the same one; -1: it is not. */
  readonly descriptorAt: (name: number) => number;
  readonly fileAt: (name: number) => OpenFile | null;
}

/** The operations. Connections have names, see `SealedConnections.nameAt`. */
export interface DetachedConnections {
  /**
   * Takes connections away from their servers, which find that their clients have gone, and ends them: nothing
   * more is sent, and what comes is read away. Those stay on which something has come that is not read yet.
   *
   * @param count How many names there are; what is behind {@linkcode MOST_TOGETHER} stays.
   * @param polls How often each is polled until it is closed in any case; below 0: as long as it takes.
   * @returns How many were taken.
   */
  readonly detach: (
    names: Readonly<Record<number, unknown>>,
    count: unknown,
    polls: unknown,
  ) => number;
  /** Closes detached connections that are over; returns how many are left. */
  readonly pollDetached: () => number;
  /** On how many detached connections a request has come since. */
  readonly countCrossed: () => number;
}

const NONE = -1;
const AF_INET = 2;
const SOCK_STREAM_CLOEXEC_NONBLOCK = 1 | 0o2000000 | 0o4000;
const [SHUT_WR, F_DUPFD_CLOEXEC] = [1, 1030];
const [MSG_PEEK, MSG_DONTWAIT] = [2, 0x40];
const FLAGGED = 1 << 16;
const BLOCK_BYTES = 32_768;
/** The first byte of an alert of TLS, see {@linkcode ClientSockets}. */
const TLS_ALERT = 21;
const toNumber = Number;
const one = 1n;

/** Makes the operations, and what tells whether a number is that of a detached connection. */
export function detachedConnections(
  c: Pick<RetainedCalls, "getsockname" | "getpeername" | "shutdown" | "recv" | "fcntl" | "socket">,
  { files, swapper, staging, quiet }: DetachSetup,
  { most, descriptorAt, fileAt }: Listed,
): DetachedConnections & { readonly has: (fd: number) => boolean } {
  const block = new Uint8Array(BLOCK_BYTES);
  const blockSize = BigInt(BLOCK_BYTES);
  const { address, addressOf } = sealedAddresses();
  const detached = new Int32Array(most);
  const detachedFiles = new Array<OpenFile | null>(most).fill(null);
  const detachedPolls = new Int32Array(most);
  /** 1: something has come since. */
  const detachedLate = new Uint8Array(most);
  /** 1: the number is that of a detached connection, which is listed no more. */
  const isDetached = new Uint8Array(FLAGGED);
  /** What is to be detached. */
  const asked = new Int32Array(MOST_TOGETHER);
  const leaving = new Int32Array(MOST_TOGETHER);
  const leavingFiles = new Array<OpenFile | null>(MOST_TOGETHER).fill(null);
  let detachedCount = 0;
  let crossedCount = 0;

  /** True if the client has ended the connection, too; what came too late is read away. */
  function isOver(fd: number, detachedAt: number): boolean {
    // Bounded: a client that sends faster than this is looked at again.
    for (let i = 0; i < 64; i++) {
      const length = toNumber(c.recv(fd, block, blockSize, MSG_DONTWAIT));
      if (length === 0) return true;
      if (length < 0) return addressOf(c.getpeername, fd) === 0;
      if (detachedLate[detachedAt] === 1 || block[0] === TLS_ALERT) continue;
      detachedLate[detachedAt] = 1;
      crossedCount++;
    }
    return false;
  }

  /** True if something has come on a connection that nobody has read. */
  function hasUnread(fd: number): boolean {
    return toNumber(c.recv(fd, block, one, MSG_PEEK | MSG_DONTWAIT)) > 0;
  }

  /** A socket that was never connected, under the guarded number; null: there is none. */
  function stageUnconnected(): OpenFile | null {
    const fd = c.socket(AF_INET, SOCK_STREAM_CLOEXEC_NONBLOCK, 0);
    if (fd < 0) return null;
    // The number may stand for something else by now: what counts is what the guarded one stands for.
    const staged = files.replace(fd, staging);
    files.close(fd);
    const file = staged ? files.identify(staging) : null;
    const isIt = file !== null && file.type === FILE_TYPE.socket &&
      addressOf(c.getsockname, staging) > 0 && address[0] === AF_INET &&
      addressOf(c.getpeername, staging) === 0;
    return isIt ? file : null;
  }

  /** A second descriptor of the connection, which its server does not have any more; -1: it stays. */
  function take(place: number, fd: number, file: OpenFile): number {
    const unconnected = stageUnconnected();
    const own = unconnected === null ? NONE : c.fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (unconnected === null || own < 0) return NONE;
    if (!files.is(own, file)) return NONE;
    // With a registration that could not be taken away, the connection must not stay open here.
    if (swapper.swapRead(place, fd, file, staging)) {
      if (!hasUnread(own)) return own;
      // What has come at the last moment is a request that can still be answered.
      swapper.swap(fd, unconnected, own);
    }
    files.close(own);
    return NONE;
  }

  function flag(fd: number, value: number): void {
    if (fd < FLAGGED) isDetached[fd] = value;
  }

  /** Has the registrations read of those that were asked for and can be detached; returns how many. */
  function readAsked(count: number): number {
    let able = 0;
    for (let i = 0; i < count; i++) {
      const name = asked[i] ?? NONE;
      const fd = descriptorAt(name);
      const file = fileAt(name);
      if (fd === NONE || file === null || hasUnread(fd)) continue;
      leaving[able] = fd;
      leavingFiles[able] = file;
      able++;
    }
    swapper.read(leaving, leavingFiles, able);
    return able;
  }

  /** Ends a connection that was taken. */
  function keepDetached(own: number, file: OpenFile, polls: number): void {
    c.shutdown(own, SHUT_WR);
    flag(own, 1);
    detached[detachedCount] = own;
    detachedFiles[detachedCount] = file;
    detachedPolls[detachedCount] = polls;
    detachedLate[detachedCount] = 0;
    detachedCount++;
  }

  return {
    has: (fd) => fd < FLAGGED && isDetached[fd] === 1,
    detach: (given, givenCount, givenPolls) => {
      const wanted = whole(givenCount);
      const polls = whole(givenPolls);
      let count = 0;
      // To ask for a name may run the script. Nothing of it runs from there on until all are taken.
      for (; count < wanted && count < MOST_TOGETHER; count++) asked[count] = whole(given[count]);
      const able = readAsked(count);
      let taken = 0;
      for (let i = 0; i < able && detachedCount < most; i++) {
        const file = leavingFiles[i] ?? null;
        const own = file === null ? NONE : take(i, leaving[i] ?? NONE, file);
        if (file === null || own === NONE) continue;
        keepDetached(own, file, polls);
        taken++;
      }
      if (able > 0) files.replace(quiet.fd, staging);
      return taken;
    },
    pollDetached: () => {
      let left = 0;
      for (let i = 0; i < detachedCount; i++) {
        const fd = detached[i] ?? NONE;
        const file = detachedFiles[i] ?? null;
        const polls = detachedPolls[i] ?? 0;
        const isHere = files.is(fd, file);
        if (!isHere || polls === 0 || isOver(fd, i)) {
          flag(fd, 0);
          if (isHere) files.close(fd);
          continue;
        }
        detached[left] = fd;
        detachedFiles[left] = file;
        detachedPolls[left] = polls > 0 ? polls - 1 : polls;
        detachedLate[left] = detachedLate[i] ?? 0;
        left++;
      }
      detachedCount = left;
      return left;
    },
    countCrossed: () => crossedCount,
  };
}
