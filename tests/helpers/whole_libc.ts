/**
 * The C library for tests, opened whole: what is opened within a test would count as a leak of it.
 *
 * @module
 */

import { type Libc, requireLibc } from "../../lib/system/libc.ts";

/** The C library with all of its functions. */
export function wholeLibc(): Libc {
  const c = requireLibc();
  // Its further functions are opened when the first of them is asked for.
  void c.strerror;
  return c;
}
