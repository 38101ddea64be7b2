/**
 * Runs in the worker, where it is a sandbox. How descriptors are registered with Deno's epoll instances, from
 * the `tfd:` lines of /proc/self/fdinfo (proc_pid_fdinfo(5)).
 *
 * The label of a registration is an address in this process. It is read anew whenever it is needed and
 * nobody is told: a label that was kept could be one of memory that has been freed. See `sealed_files.ts` for
 * how this is written.
 *
 * @module
 */

import type { OpenFile, RetainedCalls } from "./sealed_files.ts";

const CHUNK_BYTES = 4_096;
/** Longer than a line about a descriptor. */
const LINE_BYTES = 256;
/** Where the data of a `struct epoll_event` is: it is packed on x86-64 (epoll_event(3type)). */
const DATA_AT = Deno.build.arch === "x86_64" ? 4 : 8;
/** Bytes of a `struct epoll_event`. */
export const EVENT_BYTES = DATA_AT + 8;

/** Descriptors from this number on are not looked up together with others. */
export const MOST_NUMBERS = 1 << 16;

/** Reads registrations. */
export interface Registrations {
  /** Writes how a descriptor of a file is registered to `event`; false: it is not. */
  readonly find: (
    info: number,
    fd: number,
    file: OpenFile,
    event: Uint8Array<ArrayBuffer>,
  ) => boolean;
  /**
   * Writes how several descriptors are registered, in one go: `places` has, by number, one more than the place
   * in `files`, in `events` and in `found`, which is 1 then.
   */
  readonly findAll: (
    info: number,
    places: Int32Array<ArrayBuffer>,
    files: readonly (OpenFile | null)[],
    events: Uint8Array<ArrayBuffer>,
    found: Uint8Array<ArrayBuffer>,
  ) => void;
  /** Writes the descriptors with which a file is registered to `fds`, `most` at most; returns how many. */
  readonly descriptorsOf: (
    info: number,
    file: OpenFile,
    fds: Int32Array<ArrayBuffer>,
    most: number,
  ) => number;
}

const NEWLINE = 10;
const COLON = 58;
const SPACE = 32;
const TAB = 9;
const ZERO = 48;
const LETTER_A = 97;
const LETTER_D = 100;
const LETTER_F = 102;
const LETTER_T = 116;

/** A script may replace these, and has no hold of the ones here. */
const toNumber = Number;
const toBigInt = BigInt;

/**
 * Makes the functions. They take a descriptor of the file in /proc/self/fdinfo that tells of an epoll
 * instance, which was opened before the script.
 */
export function registrations(c: Pick<RetainedCalls, "pread">): Registrations {
  const chunk = new Uint8Array(CHUNK_BYTES);
  const wholeChunk = BigInt(CHUNK_BYTES);
  const line = new Uint8Array(LINE_BYTES);
  /** What the current line says. */
  const own = new Uint8Array(EVENT_BYTES);
  const inode = new Uint8Array(8);
  let fd = -1;
  /** Where in the file the next chunk begins, and where in the chunk the next line does. */
  let offset = 0;
  let at = 0;
  let filled = 0;
  /** Where in the line. */
  let column = 0;

  function begin(): void {
    offset = at = filled = 0;
  }

  /** Goes to the next line about a descriptor; false: there is none. */
  function next(info: number): boolean {
    let length = 0;
    while (true) {
      if (at === filled) {
        filled = toNumber(c.pread(info, chunk, wholeChunk, toBigInt(offset)));
        at = 0;
        if (filled <= 0) return false;
        offset += filled;
      }
      const byte = chunk[at++] ?? 0;
      if (byte !== NEWLINE) {
        if (length < LINE_BYTES) line[length++] = byte;
        continue;
      }
      for (let i = length; i < LINE_BYTES; i++) line[i] = 0;
      length = 0;
      if (readLine()) return true;
    }
  }

  /** `tfd: N events: HEX data: HEX pos:N ino:HEX sdev:HEX`. */
  function readLine(): boolean {
    if (line[0] !== LETTER_T || line[1] !== LETTER_F || line[2] !== LETTER_D) return false;
    column = 0;
    nextField();
    fd = decimal();
    nextField();
    hexadecimal(own, 0, 4);
    nextField();
    hexadecimal(own, DATA_AT, 8);
    nextField();
    nextField();
    hexadecimal(inode, 0, 8);
    return true;
  }

  /** Goes to the value behind the next colon. */
  function nextField(): void {
    while (column < LINE_BYTES && line[column] !== COLON) column++;
    column++;
    while (line[column] === SPACE || line[column] === TAB) column++;
  }

  function decimal(): number {
    let number = 0;
    for (let digit = digitOf(line[column]); digit >= 0 && digit < 10;) {
      number = number * 10 + digit;
      digit = digitOf(line[++column]);
    }
    return number;
  }

  /** Little-endian, as all systems that Deno runs on. */
  function hexadecimal(into: Uint8Array<ArrayBuffer>, start: number, bytes: number): void {
    for (let i = 0; i < bytes; i++) into[start + i] = 0;
    for (let digit = digitOf(line[column]); digit >= 0; digit = digitOf(line[++column])) {
      for (let i = bytes - 1; i > 0; i--) {
        const carried = (into[start + i - 1] ?? 0) >> 4;
        into[start + i] = ((into[start + i] ?? 0) << 4) | carried;
      }
      into[start] = ((into[start] ?? 0) << 4) | digit;
    }
  }

  function tellsOf(file: OpenFile): boolean {
    return word(inode, 0) === file.inodeLow && word(inode, 4) === file.inodeHigh;
  }

  return {
    find: (info, wanted, file, event) => {
      begin();
      while (next(info)) {
        if (fd !== wanted || !tellsOf(file)) continue;
        for (let i = 0; i < EVENT_BYTES; i++) event[i] = own[i] ?? 0;
        return true;
      }
      return false;
    },
    findAll: (info, places, files, events, found) => {
      begin();
      while (next(info)) {
        const place = fd < MOST_NUMBERS ? (places[fd] ?? 0) - 1 : -1;
        const file = place < 0 ? null : files[place] ?? null;
        if (file === null || !tellsOf(file)) continue;
        for (let i = 0; i < EVENT_BYTES; i++) events[place * EVENT_BYTES + i] = own[i] ?? 0;
        found[place] = 1;
      }
    },
    descriptorsOf: (info, file, fds, most) => {
      let count = 0;
      begin();
      while (next(info)) {
        if (tellsOf(file) && count < most) fds[count++] = fd;
      }
      return count;
    },
  };
}

function word(bytes: Uint8Array<ArrayBuffer>, start: number): number {
  return (bytes[start] ?? 0) | ((bytes[start + 1] ?? 0) << 8) | ((bytes[start + 2] ?? 0) << 16) |
    ((bytes[start + 3] ?? 0) << 24);
}

/** The value of a hexadecimal digit; -1 for other characters. */
function digitOf(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= ZERO && byte < ZERO + 10) return byte - ZERO;
  return byte >= LETTER_A && byte <= LETTER_F ? byte - LETTER_A + 10 : -1;
}
