/**
 * Whether a pidfile may speak for a process: whoever can write the file chooses the process that
 * signals go to, so it has to be a process of that user.
 *
 * @module
 */

import { kernelText } from "./descriptor.ts";
import type { Libc } from "./libc.ts";
import { type ReadFile, readSmallFile } from "./trusted_file.ts";
import { isTrusted } from "./trusted_path.ts";

/** A pid has ten digits at most; what is longer is no pidfile. */
const LONGEST_PIDFILE = 64;
const OTHERS_WRITE = 0o022;

/**
 * Reads a pidfile; null: there is none.
 *
 * @throws {UnsafePathError} If it is no regular file, or the path cannot be trusted.
 * @throws {SystemCallError} If it cannot be read.
 */
export function readPidfile(c: Libc, path: string): ReadFile | null {
  return readSmallFile(c, path, LONGEST_PIDFILE, true);
}

/**
 * Why a pidfile may not name this process; null: it may, or the process is gone. Root believes a file
 * that only root can have written; any other file may name processes of its owner only.
 */
export function doubtIn(c: Libc, { status }: ReadFile, pid: number): string | null {
  const users = usersOf(c, pid);
  if (users.length === 0) return null;
  if (isTrusted(c, status.uid)) {
    if ((status.mode & OTHERS_WRITE) === 0) return null;
    return "others than its owner may write to the file: take that right away (chmod go-w)";
  }
  if (users.every((user) => user === status.uid)) return null;
  return `the file belongs to user ${status.uid}, and the process to user ${users.join(", ")}`;
}

/** The users of a process: real, effective, saved (proc(5), status), each once. */
function usersOf(c: Libc, pid: number): readonly number[] {
  const [, line = ""] = /^Uid:\s*(.*)$/m.exec(kernelText(c, `/proc/${pid}/status`)) ?? [];
  const users = line.split(/\s+/).filter((word) => word !== "").map(Number);
  return [...new Set(users)];
}
