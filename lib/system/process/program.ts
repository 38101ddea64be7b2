/**
 * The program that runs here, as it was started: what it takes to run it again. Read once, at the start:
 * afterwards the binary may be another one, or the process may have another name.
 *
 * @module
 */

import { writtenDirectory } from "../files/working_directory.ts";

/** Path of the Deno binary, also when the file behind it is replaced. */
export const DENO: string = Deno.execPath();

/** How this program was started. */
export interface Started {
  /** The working directory then. */
  readonly cwd: string;
  /** What the binary was: changes when the file is replaced. */
  readonly binary: string;
}

/** Captures {@linkcode Started}. */
export function captureStarted(): Started {
  return { cwd: writtenDirectory(), binary: binaryNow() };
}

/** What the binary is now, to be compared with {@linkcode Started.binary}. */
export function binaryNow(): string {
  try {
    const { ino, size, mtime } = Deno.statSync(DENO);
    return `${ino} ${size} ${mtime?.getTime()}`;
  } catch {
    return "";
  }
}
