/**
 * write(2) for who writes often. `Deno.dlopen` compiles a trampoline for it, which takes half a
 * millisecond and some memory; then a call takes a tenth of what one through a pointer takes, see
 * `libc.ts`.
 *
 * @module
 */

import type { Libc } from "../libc.ts";

const SYMBOLS = {
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
} as const satisfies Deno.ForeignLibraryInterface;

let compiled: Libc["write"] | null = null;

/** The function, compiled once; that of `c` where it cannot be. */
export function fastWrite(c: Libc): Libc["write"] {
  compiled ??= compile() ?? c.write;
  return compiled;
}

function compile(): Libc["write"] | null {
  try {
    return Deno.dlopen("libc.so.6", SYMBOLS).symbols.write;
  } catch {
    // Another C library: its functions are reached in another way.
    return null;
  }
}
