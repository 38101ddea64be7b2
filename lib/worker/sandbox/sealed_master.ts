/**
 * Runs in the worker, where it is a sandbox. The operations that concern the master: call it after it has
 * replaced its program, remove its directory after its end, and end with it. See `sealed_files.ts` for
 * how they are written.
 *
 * @module
 */

import { type OpenFile, type RetainedCalls, type SealedFiles, whole } from "./sealed_files.ts";
import type { Seat } from "./sealed_queues.ts";
import type { Swap } from "./swap.ts";

/** What was arranged before the script. */
export interface SealedMasterSetup {
  readonly files: SealedFiles;
  readonly swap: Swap;
  /** Process id of the master. */
  readonly master: number;
  /** The address of the master's socket (`struct sockaddr_un`), and its length. */
  readonly control: Uint8Array<ArrayBuffer>;
  readonly controlLength: number;
  /** Connections that lead nowhere. */
  readonly seats: readonly Pick<Seat, "fd">[];
  /** What they stand for. */
  readonly quiet: { readonly fd: number; readonly file: OpenFile };
  /** A descriptor whose number is guarded, where a connection is looked at before it is used. */
  readonly staging: number;
  /** The master's own directory. */
  readonly directory: Uint8Array<ArrayBuffer>;
  /** Length of its path, without the final zero. */
  readonly directoryLength: number;
  /** How long this process may live on without its master, in seconds. */
  readonly seconds: number;
  /** A descriptor of /proc/self/status. */
  readonly status: number;
}

/** The operations. */
export interface SealedMaster {
  /** Calls the master; returns the place of the connection that leads to it now, or -1. */
  readonly call: () => number;
  /** Removes the files in the master's directory, and it, if the master has ended. */
  readonly removeDirectory: () => void;
  /** Ends this process after some seconds, or sooner where that was asked for before. */
  readonly endAfter: (seconds: unknown) => void;
  /** Takes back the alarm that the kernel has set at the end of a thread of the master, if the master lives. */
  readonly stay: () => void;
  /** Writes the text of `/proc/self/status`; returns its length in bytes. */
  readonly readStatus: (into: Record<number, number>) => number;
}

const NONE = -1;
const AF_UNIX = 1;
const SOCK_STREAM_CLOEXEC_NONBLOCK = 1 | 0o2000000 | 0o4000;
const ADDRESS_BYTES = 110;
const O_CLOEXEC = 0o2000000;
const O_DIRECTORY = Deno.build.arch === "aarch64" ? 0o40000 : 0o200000;
const O_NOFOLLOW = Deno.build.arch === "aarch64" ? 0o100000 : 0o400000;
const BLOCK_BYTES = 16_384;
/** `struct linux_dirent64` of getdents64(2): where its length and its name are. */
const [RECORD_LENGTH_AT, NAME_AT] = [16, 19];
const LONGEST_NAME = 256;
const SLASH = 47;

/** A script may replace `Number`, and has no hold of this. */
const toNumber = Number;

/** Makes the operations. */
export function sealedMaster(
  c: Pick<
    RetainedCalls,
    | "socket"
    | "connect"
    | "getpeername"
    | "getppid"
    | "open"
    | "getdents64"
    | "unlink"
    | "rmdir"
    | "pread"
    | "alarm"
  >,
  setup: SealedMasterSetup,
): SealedMaster {
  const { files, swap, master, control, controlLength, seats, quiet, staging } = setup;
  const { directory, directoryLength, status, seconds } = setup;
  const count = seats.length;
  const peer = new Uint8Array(ADDRESS_BYTES);
  const size = new Uint8Array(4);
  const path = new Uint8Array(directoryLength + 1 + LONGEST_NAME);
  for (let i = 0; i < directoryLength; i++) path[i] = directory[i] ?? 0;
  path[directoryLength] = SLASH;
  const block = new Uint8Array(BLOCK_BYTES);
  const blockSize = BigInt(BLOCK_BYTES);
  let used = 0;
  /** True once this process ends in any case. */
  let ending = false;

  /** True if a descriptor is a connection to the master's socket. */
  function leadsToMaster(fd: number): boolean {
    size[0] = ADDRESS_BYTES;
    size[1] = size[2] = size[3] = 0;
    if (c.getpeername(fd, peer, size) !== 0) return false;
    for (let i = 0; i < controlLength; i++) {
      if (peer[i] !== control[i]) return false;
    }
    return true;
  }

  function call(): number {
    if (used >= count) return NONE;
    const fd = c.socket(AF_UNIX, SOCK_STREAM_CLOEXEC_NONBLOCK, 0);
    if (fd < 0) return NONE;
    // The number may stand for something else by now: what counts is what the guarded one stands for.
    const connected = c.connect(fd, control, controlLength) === 0 && files.replace(fd, staging);
    files.close(fd);
    let place = NONE;
    if (connected && leadsToMaster(staging)) {
      const seat = seats[used];
      if (seat !== undefined && swap(seat.fd, quiet.file, staging)) place = used;
      used++;
    }
    files.replace(quiet.fd, staging);
    return place;
  }

  /** Nobody can put off an end that was asked for. */
  function endAfter(asked: number): void {
    const before = c.alarm(asked);
    if (ending && before > 0 && before < asked) c.alarm(before);
    ending = true;
  }

  function unlinkAt(record: number): void {
    for (let i = 0; i < LONGEST_NAME - 1; i++) {
      const byte = block[record + NAME_AT + i] ?? 0;
      path[directoryLength + 1 + i] = byte;
      if (byte === 0) return void c.unlink(path);
    }
  }

  function removeDirectory(): void {
    // While the master lives it is this process's parent.
    if (c.getppid() === master) return;
    const fd = c.open(directory, O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW);
    if (fd < 0) return;
    for (
      let length = toNumber(c.getdents64(fd, block, blockSize));
      length > 0;
      length = toNumber(c.getdents64(fd, block, blockSize))
    ) {
      for (let at = 0; at < length;) {
        unlinkAt(at);
        const size = (block[at + RECORD_LENGTH_AT] ?? 0) |
          ((block[at + RECORD_LENGTH_AT + 1] ?? 0) << 8);
        if (size <= 0) break;
        at += size;
      }
    }
    files.close(fd);
    c.rmdir(directory);
  }

  return {
    call,
    removeDirectory,
    endAfter: (given) => {
      const asked = whole(given);
      if (asked > 0) endAfter(asked);
    },
    stay: () => {
      if (ending || c.getppid() !== master) return;
      c.alarm(0);
      // Between both looks the master may have ended, and its alarm been taken back.
      if (c.getppid() !== master) endAfter(seconds);
    },
    readStatus: (into) => {
      const length = toNumber(c.pread(status, block, blockSize, 0n));
      for (let i = 0; i < length; i++) into[i] = block[i] ?? 0;
      return length;
    },
  };
}
