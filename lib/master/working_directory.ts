/**
 * Runs in the master. The directory in which this program, and what it starts, works. Somebody may remove it, and then nothing
 * could be started any more.
 *
 * @module
 */

import { logLine } from "./log.ts";

/** Where this program began to work, and where it was started. */
let places: readonly string[] = [];

/** Notes where to go when the working directory is gone. Whoever notes nothing stays where it is. */
export function noteDirectories(...directories: readonly string[]): void {
  places = directories;
}

/** True while another directory has to do. */
let away = false;

/** Makes sure that there is a working directory: what has its path by now, or else `/`. */
export function keepWorkingDirectory(): void {
  const [first] = places;
  if (first === undefined || (isThere() && !(away && isDirectory(first)))) return;
  const place = existingDirectory(...places);
  Deno.chdir(place);
  const wasAway = away;
  away = place !== first;
  if (!away || wasAway) return;
  const text = `The working directory ${first} is gone: ${place} is used until it is there again`;
  logLine("warning", text, { event: "workingDirectoryGone", directory: place });
}

/** The first of these directories that is there, else `/`. */
export function existingDirectory(...directories: readonly string[]): string {
  return directories.find(isDirectory) ?? "/";
}

function isThere(): boolean {
  try {
    Deno.cwd();
    return true;
  } catch {
    return false;
  }
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    // Whoever cannot look, for want of descriptors for example, does not know that it is gone.
    return !(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory);
  }
}
