/**
 * Absolute paths.
 *
 * @module
 */

import { resolve } from "@std/path/posix";

/**
 * The absolute form of a path, from the working directory.
 *
 * `resolve` of @std/path would ask `process.cwd()` for it, and the first use of `process` loads Deno's
 * Node layer: 12 ms and some megabytes, which a master has no other use for.
 */
export function absolutePath(path: string): string {
  return resolve(Deno.cwd(), path);
}
