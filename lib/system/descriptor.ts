/**
 * File descriptors by number: who inherits them, which file they are, which of them are there.
 *
 * @module
 */

import { check, type Libc } from "./libc.ts";

const F_DUPFD_CLOEXEC = 1030;
const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const FD_CLOEXEC = 1;
/** `O_CLOEXEC` of `open(2)`, as `dup3(2)` takes it. */
export const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;

/** Says whether children inherit the descriptor (fcntl(2), FD_CLOEXEC). */
export function setInherited(c: Libc, fd: number, inherited: boolean): void {
  const flags = check(c, "fcntl", c.fcntl(fd, F_GETFD, 0));
  const wanted = inherited ? flags & ~FD_CLOEXEC : flags | FD_CLOEXEC;
  check(c, "fcntl", c.fcntl(fd, F_SETFD, wanted));
}

/** Calls `spawn` while children inherit these descriptors; at all other times they do not. */
export function lendDescriptors<T>(c: Libc | null, fds: readonly number[], spawn: () => T): T {
  if (c === null) return spawn();
  for (const fd of fds) setInherited(c, fd, true);
  try {
    return spawn();
  } finally {
    for (const fd of fds) setInherited(c, fd, false);
  }
}

/** Makes reads, writes and accepts on the descriptor return instead of waiting (O_NONBLOCK). */
export function setNonblocking(c: Libc, fd: number): void {
  const flags = check(c, "fcntl", c.fcntl(fd, F_GETFL, 0));
  check(c, "fcntl", c.fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

/** A second descriptor of the same open file, numbered 3 or above and not inherited by children. */
export function duplicate(c: Libc, fd: number): number {
  return check(c, "fcntl", c.fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

/** The numbers of this process's open descriptors (proc(5), /proc/self/fd). */
export function openDescriptors(): number[] {
  const numbers: number[] = [];
  for (const entry of Deno.readDirSync("/proc/self/fd")) numbers.push(Number(entry.name));
  return numbers;
}

/** What a descriptor stands for, for example `socket:[1452]`; null when it was closed meanwhile. */
export function descriptorTarget(fd: number): string | null {
  try {
    return Deno.readLinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return null;
  }
}

/** The inode of a socket's descriptor: the same for every duplicate of it. Null for other files. */
export function socketInode(fd: number): number | null {
  const match = /^socket:\[(\d+)\]$/.exec(descriptorTarget(fd) ?? "");
  return match ? Number(match[1]) : null;
}
