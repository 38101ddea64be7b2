/**
 * Runs in the master. What is said of sockets and FIFOs whose files somebody has removed: cleaners of
 * temporary files do that, and so do careless scripts.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import { type OwnedPath, stateOfOwned } from "../../system/files/owned_path.ts";
import { logLine } from "../log.ts";

/**
 * True if a file is gone, and can be made again. What somebody else has put there is left alone; that, and
 * what cannot be seen, is told here.
 *
 * @param what Whose file it is: `The socket /run/app.sock`.
 */
export function isLost(what: string, file: OwnedPath): boolean {
  try {
    const state = stateOfOwned(file);
    if (state === "foreign") {
      const text =
        `${what} is not reached any more, because somebody else has put another file in ` +
        "its place: it is left alone. Remove it, and reload";
      logLine("warning", text, { event: "socketLost", path: file.path });
    }
    return state === "gone";
  } catch (error) {
    sayNotMadeAgain(what, file, error);
    return false;
  }
}

/** It is there again. */
export function sayMadeAgain(what: string, { path }: OwnedPath): void {
  const text = `${what} had been removed: it is there again`;
  logLine("warning", text, { event: "socketBoundAgain", path });
}

/** It is not there, and there is a reason; the next reload tries again. */
export function sayNotMadeAgain(what: string, { path }: OwnedPath, error: unknown): void {
  const reason = errorText(error);
  const text = `${what} has been removed, and cannot be made again: ${reason}`;
  logLine("warning", text, { event: "socketLost", path });
}
