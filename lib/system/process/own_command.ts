/**
 * The command line of this process, for who starts it once more: Deno keeps its own flags to itself.
 *
 * @module
 */

import { kernelText } from "../descriptor.ts";
import type { Libc } from "../libc.ts";

let known: readonly string[] | null = null;

/**
 * The arguments behind the name of the program, those of Deno included. They are read once: call it
 * before the process gets another name, which takes their place.
 */
export function ownArguments(c: Libc): readonly string[] {
  known ??= kernelText(c, "/proc/self/cmdline").split("\0").slice(1, -1);
  return known;
}
