/**
 * Memory that master and workers share: an anonymous file (memfd_create(2)), inherited by descriptor
 * and mapped by each of them, or read by who gets a text.
 *
 * @module
 */

import { check, cString, type Libc } from "./libc.ts";

const MFD_CLOEXEC = 1;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;

/** Runs in the master. Makes an anonymous file of `size` zero bytes; returns its descriptor. */
export function createSharedMemory(c: Libc, name: string, size: number): number {
  const fd = check(c, "memfd_create", c.memfd_create(cString(name), MFD_CLOEXEC));
  check(c, "ftruncate", c.ftruncate(fd, BigInt(size)));
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
 * Makes an anonymous file with this text: it has no name that anybody could open.
 *
 * @returns Its descriptor, which children do not inherit.
 */
export function createAnonymousFile(c: Libc, name: string, text: string): number {
  const fd = createSharedMemory(c, name, 0);
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) {
    const rest = bytes.subarray(at);
    at += check(c, "write", Number(c.write(fd, rest, BigInt(rest.length))));
  }
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
