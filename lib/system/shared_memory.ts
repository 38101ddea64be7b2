/**
 * Memory that master and workers share: an anonymous file (memfd_create(2)), inherited by descriptor
 * and mapped by each of them.
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
