/**
 * The C library for tests, opened whole: what is opened within a test would count as a leak of it.
 *
 * @module
 */

import { type Libc, requireLibc } from "../../lib/system/libc.ts";

/** The C library with all of its functions. */
export function wholeLibc(): Libc {
  const c = requireLibc();
  // Some functions are opened when they are first asked for.
  return { ...c };
}
