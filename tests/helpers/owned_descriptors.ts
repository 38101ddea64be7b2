/**
 * Descriptors that a test opens through the C library, which nobody else would close.
 *
 * @module
 */
import type { Libc } from "../../lib/system/libc.ts";
import { requireLibc } from "../../lib/system/libc.ts";

// Opened here, because it stays open: a test that opened it would seem to leak it.
const LIBC = requireLibc();

/** Descriptors that are closed at the end of a test. Use it with `using`. */
export class OwnedDescriptors implements Disposable {
  /** The C library. */
  readonly libc: Libc = LIBC;
  readonly #fds: number[] = [];

  /** Takes a descriptor, and returns it. */
  own(fd: number): number {
    this.#fds.push(fd);
    return fd;
  }

  /** Has the kernel listen on a socket (listen(2)). */
  listen(fd: number): number {
    if (this.libc.listen(fd, 64) !== 0) throw new Error(`Cannot listen on descriptor ${fd}`);
    return fd;
  }

  [Symbol.dispose](): void {
    for (const fd of this.#fds) this.libc.close(fd);
  }
}
