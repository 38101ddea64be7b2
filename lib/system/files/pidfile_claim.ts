/**
 * Whether a pidfile may speak for a process: whoever can write the file chooses the process that
 * signals go to, so it has to be a process of that user.
 *
 * @module
 */

import { kernelText } from "../descriptor.ts";
import type { Libc } from "../libc.ts";
import { type ReadFile, readSmallFile } from "./trusted_file.ts";
import { isRoot, isTrusted } from "./trusted_path.ts";

/** A pid has ten digits at most; what is longer is no pidfile. */
const LONGEST_PIDFILE = 64;
const OTHERS_WRITE = 0o002;
const GROUP_WRITES = 0o020;

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
 * Why root should not take this process for the one that a pidfile means; null: it may, or the process
 * is gone. Root believes a file that only root can have written; any other file may name processes of
 * its owner only. Other users can signal nobody else's processes in any case.
 */
export function doubtIn(c: Libc, { status }: ReadFile, pid: number): string | null {
  const users = usersOf(c, pid);
  if (users.length === 0 || !isRoot(c)) return null;
  if (isTrusted(c, status.uid)) {
    const isShared = (status.mode & OTHERS_WRITE) !== 0 ||
      ((status.mode & GROUP_WRITES) !== 0 && status.gid !== 0);
    return isShared ? "other users may write to it: take that right away (chmod go-w)" : null;
  }
  if (users.every((user) => user === status.uid)) return null;
  return `it belongs to user ${status.uid}, and process ${pid} to user ${users.join(", ")}`;
}

/** Why root should not call at a process's socket: it is no socket of that process's user. Null: it may. */
export function doubtAboutSocket(c: Libc, path: string, pid: number): string | null {
  if (!isRoot(c)) return null;
  const { uid, isSocket } = Deno.lstatSync(path);
  if (isSocket === true && usersOf(c, pid).every((user) => user === uid)) return null;
  return `"${path}" is no socket of the user of process ${pid}`;
}

/** The users of a process: real, effective, saved (proc(5), status), each once. */
function usersOf(c: Libc, pid: number): readonly number[] {
  const [, line = ""] = /^Uid:\s*(.*)$/m.exec(kernelText(c, `/proc/${pid}/status`)) ?? [];
  const users = line.split(/\s+/).filter((word) => word !== "").map(Number);
  return [...new Set(users)];
}
