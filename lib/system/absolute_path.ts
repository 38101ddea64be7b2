/**
 * Absolute paths.
 *
 * @module
 */

import { resolve } from "../paths.ts";

/** The absolute form of a path, from the working directory. */
export function absolutePath(path: string): string {
  return resolve(Deno.cwd(), path);
}
