/**
 * Runs in the master. The directory in which this program, and what it starts, works. If somebody removes it,
 * nothing could be started any more, so another one stands in for it.
 *
 * @module
 */

import {
  enterInstead,
  ownDirectory,
  writtenDirectory,
} from "../../system/files/working_directory.ts";
import { logLine } from "../log.ts";

/** Where to go if the working directory is gone, beside what has its name by then. */
let places: readonly string[] = [];
/** The working directory, when it was last seen. */
let home = "/";
/** The directory that stands in for it; null: none has to. */
let standIn: string | null = null;

/** Notes where to go when the working directory is gone. A program that notes nothing stays where it is. */
export function noteDirectories(...directories: readonly string[]): void {
  places = directories;
  home = directories[0] ?? "/";
}

/** Makes sure that there is a working directory: what has its path or name by now, or else `/`. */
export function keepWorkingDirectory(): void {
  if (places.length === 0) return;
  const now = ownDirectory();
  if (now !== null && now !== standIn) {
    [home, standIn] = [now, null];
    return;
  }
  if (now !== null && !isDirectory(home)) return;
  const place = existingDirectory(home, writtenDirectory(), ...places);
  enterInstead(place);
  const wasAway = standIn !== null;
  standIn = place === home ? null : place;
  if (standIn === null || wasAway) return;
  const text = `The working directory ${home} is gone: ${place} is used until it is there again`;
  logLine("warning", text, { event: "workingDirectoryGone", directory: place });
}

/** The first of these directories that is there, else `/`. */
export function existingDirectory(...directories: readonly string[]): string {
  return directories.find(isDirectory) ?? "/";
}

/** True unless it is known that no directory is there. */
export function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    // Whoever cannot look, for want of descriptors for example, does not know that it is gone.
    return !(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory);
  }
}
