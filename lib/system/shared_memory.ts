/**
 * Memory that master and workers share: an anonymous file (memfd_create(2)), inherited by descriptor
 * and mapped by each of them, or read by who gets a text.
 *
 * @module
 */

import { check, cString, type Libc } from "./libc.ts";

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const F_ADD_SEALS = 1033;
/** `F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW`, and `F_SEAL_WRITE` beside them. */
const SEAL_SIZE = 1 | 2 | 4;
const SEAL_ALL = SEAL_SIZE | 8;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;

/** Makes an empty file without a name; returns its descriptor, which children do not inherit. */
export function anonymousFile(c: Libc, name: string, flags = 0): number {
  return check(c, "memfd_create", c.memfd_create(cString(name), MFD_CLOEXEC | flags));
}

/**
 * Runs in the master. Makes an anonymous file of `size` zero bytes, whose size nobody can change: who
 * reads mapped memory that a file does not have any more is killed (SIGBUS). Returns its descriptor.
 */
export function createSharedMemory(c: Libc, name: string, size: number): number {
  const fd = anonymousFile(c, name, MFD_ALLOW_SEALING);
  check(c, "ftruncate", c.ftruncate(fd, BigInt(size)));
  check(c, "fcntl", c.fcntl(fd, F_ADD_SEALS, SEAL_SIZE));
  return fd;
}

/**
 * Maps the file behind `fd`. What one process writes there with `Atomics`, the others see.
 *
 * @throws {Error} If the kernel refuses the mapping.
 */
export function mapSharedMemory(c: Libc, fd: number, size: number): ArrayBuffer {
  const at = c.mmap(null, BigInt(size), PROT_READ_WRITE, MAP_SHARED, fd, 0n);
  if (at === null || Deno.UnsafePointer.value(at) === 0xffffffffffffffffn) {
    throw new Error(`Cannot map ${size} bytes of shared memory`);
  }
  return Deno.UnsafePointerView.getArrayBuffer(at, size);
}

/**
 * Makes an anonymous file with this text: it has no name that anybody could open, and those who inherit
 * it cannot change it.
 *
 * @returns Its descriptor, which children do not inherit.
 */
export function createAnonymousFile(c: Libc, name: string, text: string): number {
  const fd = anonymousFile(c, name, MFD_ALLOW_SEALING);
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) {
    const rest = bytes.subarray(at);
    at += check(c, "write", Number(c.write(fd, rest, BigInt(rest.length))));
  }
  check(c, "fcntl", c.fcntl(fd, F_ADD_SEALS, SEAL_ALL));
  return fd;
}

/** The text of such a file, also while other processes read it through the same descriptor. */
export function readAnonymousFile(c: Libc, fd: number): string {
  const buffer = new Uint8Array(65_536);
  const decoder = new TextDecoder();
  let text = "";
  for (let at = 0n;;) {
    const length = c.pread(fd, buffer, BigInt(buffer.length), at);
    if (check(c, "pread", Number(length)) === 0) return text + decoder.decode();
    text += decoder.decode(buffer.subarray(0, Number(length)), { stream: true });
    at += length;
  }
}
