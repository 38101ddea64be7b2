/**
 * Runs in the worker, where it is a sandbox. How descriptors are registered with epoll, noted when they are taken off,
 * so that only that can be put back: the label of a registration is an address in this process, and a
 * script must not be able to make one up.
 *
 * Nothing here calls a method that a script could have replaced: see `sealed_libc.ts`.
 *
 * @module
 */

import { cString, type Libc } from "../../system/libc.ts";

/** How many can be noted at a time. */
const MOST = 4_096;
const NONE = -1;
const O_CLOEXEC = 0o2000000;
const CHUNK_BYTES = 4_096;
/** Longer than a line about a descriptor. */
const LINE_BYTES = 256;
/** Where the data of a `struct epoll_event` is: it is packed on x86-64 (epoll_event(3type)). */
const DATA_AT = Deno.build.arch === "x86_64" ? 4 : 8;
const EVENT_BYTES = DATA_AT + 8;

/** Notes registrations, and gives them back once. */
export interface Registrations {
  /** Notes how a descriptor is registered; what was noted stays if it is not registered now. */
  readonly note: (epoll: number, fd: number) => void;
  /** The `struct epoll_event` that was noted, which is forgotten then; null: there is none. */
  readonly take: (epoll: number, fd: number) => Uint8Array<ArrayBuffer> | null;
}

/** Makes an empty list; `c` has functions that outlive the permission. */
export function registrations(c: Pick<Libc, "open" | "read" | "close">): Registrations {
  const epolls = new Int32Array(MOST).fill(NONE);
  const fds = new Int32Array(MOST).fill(NONE);
  const events = new Uint8Array(MOST * EVENT_BYTES);
  const event = new Uint8Array(EVENT_BYTES);
  const pathTo = descriptorPath("/proc/self/fdinfo/");
  const chunk = new Uint8Array(CHUNK_BYTES);
  const wholeChunk = BigInt(CHUNK_BYTES);
  const line = new Uint8Array(LINE_BYTES);
  let at = 0;

  /** Goes to the number behind the next colon. */
  function nextField(): void {
    while (at < LINE_BYTES && line[at] !== COLON) at++;
    at++;
    while (line[at] === SPACE || line[at] === TAB) at++;
  }

  function decimal(): number {
    let number = 0;
    for (let digit = digitOf(line[at]); digit >= 0 && digit < 10; digit = digitOf(line[++at])) {
      number = number * 10 + digit;
    }
    return number;
  }

  /** Little-endian, as all systems that Deno runs on. */
  function hexadecimal(into: number, bytes: number): void {
    for (let i = 0; i < bytes; i++) event[into + i] = 0;
    for (let digit = digitOf(line[at]); digit >= 0; digit = digitOf(line[++at])) {
      for (let i = bytes - 1; i > 0; i--) {
        event[into + i] = ((event[into + i] ?? 0) << 4) | ((event[into + i - 1] ?? 0) >> 4);
      }
      event[into] = ((event[into] ?? 0) << 4) | digit;
    }
  }

  /** True if the line is `tfd: N events: HEX data: HEX …` of this descriptor, which is read then. */
  function read(fd: number): boolean {
    if (line[0] !== LETTER_T || line[1] !== LETTER_F || line[2] !== LETTER_D) return false;
    at = 0;
    nextField();
    if (decimal() !== fd) return false;
    nextField();
    hexadecimal(0, 4);
    nextField();
    hexadecimal(DATA_AT, 8);
    return true;
  }

  function find(epoll: number, fd: number): boolean {
    const file = c.open(pathTo(epoll), O_CLOEXEC);
    if (file < 0) return false;
    let found = false;
    let length = 0;
    while (!found) {
      const bytes = toNumber(c.read(file, chunk, wholeChunk));
      if (bytes <= 0) break;
      for (let i = 0; i < bytes && !found; i++) {
        const byte = chunk[i] ?? 0;
        if (byte === NEWLINE) {
          found = read(fd);
          length = 0;
        } else if (length < LINE_BYTES) line[length++] = byte;
      }
    }
    c.close(file);
    return found;
  }

  function placeOf(epoll: number, fd: number): number {
    for (let i = 0; i < MOST; i++) {
      if (fds[i] === fd && epolls[i] === epoll) return i;
    }
    return NONE;
  }

  function note(epoll: number, fd: number): void {
    if (!find(epoll, fd)) return;
    let place = placeOf(epoll, fd);
    if (place === NONE) place = placeOf(NONE, NONE);
    if (place === NONE) return;
    epolls[place] = epoll;
    fds[place] = fd;
    for (let i = 0; i < EVENT_BYTES; i++) events[place * EVENT_BYTES + i] = event[i] ?? 0;
  }

  function take(epoll: number, fd: number): Uint8Array<ArrayBuffer> | null {
    const place = placeOf(epoll, fd);
    if (fd < 0 || place === NONE) return null;
    for (let i = 0; i < EVENT_BYTES; i++) event[i] = events[place * EVENT_BYTES + i] ?? 0;
    // The same instance has more than one descriptor: it is registered with all of them then.
    for (let i = 0; i < MOST; i++) {
      if (fds[i] === fd) fds[i] = epolls[i] = NONE;
    }
    return event;
  }

  return { note, take };
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

/** The script may replace `Number`, and has no hold of this. */
const toNumber = Number;

/** The value of a hexadecimal digit; -1 for other characters. */
function digitOf(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= ZERO && byte < ZERO + 10) return byte - ZERO;
  return byte >= LETTER_A && byte <= LETTER_F ? byte - LETTER_A + 10 : -1;
}

/** Makes the path that ends in the number of a descriptor, always in the same memory. */
export function descriptorPath(prefix: string): (fd: number) => Uint8Array<ArrayBuffer> {
  const start = prefix.length;
  const path = new Uint8Array(start + 16);
  path.set(cString(prefix));
  return (fd) => {
    let digits = 1;
    for (let rest = fd; rest >= 10; rest = (rest - rest % 10) / 10) digits++;
    let rest = fd;
    for (let i = start + digits - 1; i >= start; i--) {
      path[i] = ZERO + rest % 10;
      rest = (rest - rest % 10) / 10;
    }
    path[start + digits] = 0;
    return path;
  };
}
