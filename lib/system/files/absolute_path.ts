/**
 * Absolute paths, and what the kernel makes of them.
 *
 * @module
 */

import { basename, dirname, resolve } from "../../paths.ts";

/** The absolute form of a path, from the working directory. */
export function absolutePath(path: string): string {
  // Who needs no working directory can do without one: it may have been removed.
  return resolve(path.startsWith("/") ? "/" : Deno.cwd(), path);
}

/**
 * The path without symbolic links; where it is not there, that of the nearest folder above it that is, with
 * the rest behind it.
 */
export function realPathOf(path: string): string {
  const absolute = absolutePath(path);
  try {
    return Deno.realPathSync(absolute);
  } catch {
    // Not there, or not to be entered: then it leads nowhere either.
    const above = dirname(absolute);
    return above === absolute ? absolute : resolve(realPathOf(above), basename(absolute));
  }
}

/** True if a directory is this path, or contains it. Both without symbolic links. */
export function covers(directory: string, path: string): boolean {
  return `${path}/`.startsWith(directory === "/" ? directory : `${directory}/`);
}
