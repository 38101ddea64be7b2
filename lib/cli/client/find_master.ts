/**
 * Finds a running master by its process id. The socket it listens on in its own directory gives it
 * away: no other process has one, so a pidfile that is left over, with an id that somebody else has by
 * now, cannot do any harm.
 *
 * @module
 */

import { readRegularText } from "../../system/files/regular_file.ts";
import { OPERATOR_SOCKET } from "../../control/commands.ts";
import { ERRNO, libc, SystemCallError } from "../../system/libc.ts";
import { doubtAboutSocket, doubtIn, readPidfile } from "../../system/files/pidfile_claim.ts";
import { errorText, UserError } from "../../errors.ts";

/**
 * The process id in a pidfile.
 *
 * @throws {UserError} If there is none, or if somebody else may have written it who is not the user of
 * that process.
 */
export function pidIn(path: string): number {
  const c = libc();
  const file = reading(path, () => c === null ? null : readPidfile(c, path));
  const text = c === null ? reading(path, () => readRegularText(path)) : file?.text;
  if (text === undefined) throw unreadable(path, "there is no such file: is the master running?");
  const [, digits] = /^\s*([1-9]\d{0,9})\s*$/.exec(text) ?? [];
  if (digits === undefined) throw unreachable(`The pidfile "${path}" holds no process id`);
  const doubt = c === null || file === null ? null : doubtIn(c, file, Number(digits));
  if (doubt === null) return Number(digits);
  throw unreachable(`The pidfile "${path}" is not believed, because ${doubt}`);
}

function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    if (error instanceof Deno.errors.NotFound) {
      throw unreadable(path, "there is no such file: is the master running?");
    }
    const isDenied = error instanceof Deno.errors.PermissionDenied ||
      (error instanceof SystemCallError && error.errno === ERRNO.EACCES);
    if (isDenied) throw unreadable(path, "permission denied: run it as the user of the master");
    throw unreadable(path, errorText(error));
  }
}

function unreadable(path: string, reason: string): UserError {
  return unreachable(`Cannot read the pidfile "${path}": ${reason}`);
}

/**
 * The path of the socket on which the master with this process id answers operators.
 *
 * @param named How the id was given, for messages: `the pidfile "/run/app.pid"`.
 * @throws {UserError} If there is no such master, or it is somebody else's.
 */
export function operatorSocketOf(pid: number, named: string): string {
  let inodes: Set<string>;
  let table: string;
  try {
    inodes = socketInodes(pid);
    table = Deno.readTextFileSync(`/proc/${pid}/net/unix`);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    if (error instanceof Deno.errors.PermissionDenied) {
      throw unreachable(
        `Process ${pid} of ${named} belongs to another user: run it as that user, or as root`,
      );
    }
    throw unreachable(`No process has the id ${pid} of ${named}: no master is running there`);
  }
  const own = operatorSockets(table).find(({ inode }) => inodes.has(inode));
  if (own === undefined) {
    throw unreachable(`Process ${pid} of ${named} is no duwsgi master: the master it was is gone`);
  }
  // The master may live under another root, or have a /tmp of its own.
  const path = `/proc/${pid}/root${own.path}`;
  const doubt = doubtAbout(path, pid);
  if (doubt !== null) throw unreachable(`Process ${pid} of ${named} is not called: ${doubt}`);
  return path;
}

function doubtAbout(path: string, pid: number): string | null {
  const c = libc();
  try {
    return c === null ? null : doubtAboutSocket(c, path, pid);
  } catch (error) {
    // Somebody has removed the master's directory: then nobody can call there.
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/**
 * The sockets on which masters of this machine answer operators, as far as this user may call there.
 *
 * @returns Their paths.
 */
export function allOperatorSockets(): readonly string[] {
  const paths = operatorSockets(Deno.readTextFileSync("/proc/net/unix")).map(({ path }) => path);
  const own = Deno.uid();
  return [...new Set(paths)].filter((path) => {
    try {
      const { isSocket, uid } = Deno.statSync(path);
      // Anybody can listen at a path with this name.
      return isSocket && (own === 0 || uid === own);
    } catch {
      // Of another user, or under another root.
      return false;
    }
  });
}

/** The operators' sockets in a table of proc_net(5): Num RefCount Protocol Flags Type St Inode Path. */
function operatorSockets(table: string): { readonly inode: string; readonly path: string }[] {
  return table.split("\n").flatMap((line) => {
    const [, inode = "", path = ""] = /^(?:\S+\s+){6}(\d+) (\/.*)$/.exec(line) ?? [];
    return path.endsWith(`/${OPERATOR_SOCKET}`) ? [{ inode, path }] : [];
  });
}

function socketInodes(pid: number): Set<string> {
  const inodes = new Set<string>();
  for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
    try {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(Deno.readLinkSync(`/proc/${pid}/fd/${name}`)) ??
        [];
      if (inode !== undefined) inodes.add(inode);
    } catch (error) {
      // Closed meanwhile.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return inodes;
}

/** An error of somebody who does not reach a master. */
export function unreachable(message: string): UserError {
  return new UserError("unreachable", message);
}
