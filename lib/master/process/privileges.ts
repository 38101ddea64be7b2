/**
 * Runs in the master. Becomes the user and groups of the configuration, for good.
 *
 * setuid(2) is a matter of each thread in Linux. The C library makes it one of the process, and here
 * every thread is looked at afterwards, because one that stayed root would be a way back.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import { UserError } from "../../errors.ts";
import { isBinary } from "../../system/process/standalone.ts";
import { absolutePath } from "../../system/files/absolute_path.ts";
import { kernelText, numbersIn } from "../../system/descriptor.ts";
import { check, cString, type Libc, SystemCallError } from "../../system/libc.ts";
import { findUser, groupsOf, resolveOwner, type User } from "../../system/files/owner.ts";
import { modulePath } from "../../paths.ts";

/** The options of users and groups. */
export type PrivilegeConfig = Pick<Config, "uid" | "gid" | "addGid" | "initgroups">;

/** A user and a group by number. */
export interface Ids {
  readonly uid: number;
  readonly gid: number;
}

/** Whom to become. */
export interface Identity extends Ids {
  /** All groups, `gid` possibly among them. */
  readonly groups: readonly number[];
  /** The entry of the user database; null: there is none, or the user stays. */
  readonly user: User | null;
}

/**
 * Whom the configuration wants this process to become; null: it is that already.
 *
 * @param where Says where an option was written.
 * @param own What this process is.
 * @throws {UserError} If a user or group is unknown, or if only root could become it.
 */
export function wantedIdentity(
  c: Libc,
  config: PrivilegeConfig,
  where: (key: keyof PrivilegeConfig) => string,
  own: Ids = { uid: Deno.uid() ?? 0, gid: Deno.gid() ?? 0 },
): Identity | null {
  if (config.uid === "" && config.gid === "" && config.addGid.length === 0) return null;
  const uid = config.uid === "" ? own.uid : idOf(c, config.uid, where("uid"));
  const user = config.uid === "" ? null : findUser(c, String(uid));
  const ownGroup = config.uid === "" ? own.gid : user?.gid;
  const gid = config.gid === "" ? ownGroup : idOf(c, `:${config.gid}`, where("gid"));
  if (gid === undefined) {
    throw new UserError(
      "configuration",
      `The user ${uid} of ${where("uid")} has no entry in the user database: set gid as well`,
    );
  }
  const added = config.addGid.map((group) => idOf(c, `:${group}`, where("addGid")));
  if (own.uid !== 0) return requireSame(c, { uid, gid, added }, own, config, where);
  const initial = config.initgroups && user !== null ? groupsOf(c, user.name, gid) : [];
  return { uid, gid, groups: [...new Set([...initial, gid, ...added])], user };
}

function idOf(c: Libc, text: string, where: string): number {
  try {
    const { uid, gid } = resolveOwner(c, text);
    return uid ?? gid ?? 0;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UserError("configuration", `Cannot use ${where}: ${error.message}`);
  }
}

/** Who is not root can only be asked to be what it is. */
function requireSame(
  c: Libc,
  wanted: Ids & { readonly added: readonly number[] },
  own: Ids,
  config: PrivilegeConfig,
  where: (key: keyof PrivilegeConfig) => string,
): null {
  const groups = line(kernelText(c, "/proc/self/status"), "Groups").split(" ").map(Number);
  const known = new Set([...groups, own.gid]);
  const option = wanted.uid !== own.uid
    ? "uid"
    : config.gid !== "" && wanted.gid !== own.gid
    ? "gid"
    : wanted.added.some((group) => !known.has(group))
    ? "addGid"
    : null;
  if (option === null) return null;
  throw new UserError(
    "configuration",
    `Cannot do what ${where(option)} says: only root can, start duwsgi as root or remove it`,
  );
}

/**
 * Becomes somebody else in every thread, with the environment that belongs to it.
 *
 * @throws {UserError} If the kernel refuses.
 */
export function becomeIdentity(c: Libc, { uid, gid, groups, user }: Identity): void {
  try {
    check(c, "setgroups", c.setgroups(BigInt(groups.length), bytesOf(groups)));
    check(c, "setgid", c.setgid(gid));
    check(c, "setuid", c.setuid(uid));
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    const advice = "root needs CAP_SETUID and CAP_SETGID for it";
    throw new UserError("configuration", `${error.message}: ${advice}`);
  }
  for (const thread of numbersIn(c, "/proc/self/task")) {
    const status = kernelText(c, `/proc/self/task/${thread}/status`);
    // The thread may have ended meanwhile.
    if (status === "" || isAll(line(status, "Uid"), uid) && isAll(line(status, "Gid"), gid)) {
      continue;
    }
    throw new Error(`Thread ${thread} kept the user or group it had`);
  }
  if (user === null) return;
  Deno.env.set("HOME", user.home);
  Deno.env.set("USER", user.name);
  Deno.env.set("LOGNAME", user.name);
  // The cache of who started the master is no place for its workers.
  Deno.env.delete("XDG_CACHE_HOME");
}

function bytesOf(numbers: readonly number[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Uint32Array(numbers).buffer);
}

function line(status: string, name: string): string {
  return new RegExp(`^${name}:\\s*(.*?)\\s*$`, "m").exec(status)?.[1] ?? "";
}

function isAll(numbers: string, wanted: number): boolean {
  return numbers.split(/\s+/).every((number) => Number(number) === wanted);
}

/** What access(2) asks for: execute, write, read. */
const X_OK = 1;
const W_OK = 2;
const R_OK = 4;

/**
 * Makes sure that workers have a place for Deno's cache: without one they compile the script at each
 * start. Users of services often have no home directory; theirs is below `directory`.
 */
export function requireCache(c: Libc, directory: string): void {
  const home = Deno.env.get("HOME") ?? "";
  const usual = Deno.env.get("DENO_DIR") ?? `${home}/.cache/deno`;
  try {
    Deno.mkdirSync(usual, { recursive: true });
    if (c.access(cString(usual), W_OK | X_OK) === 0) return;
  } catch {
    // The same as a directory that is there and cannot be written to.
  }
  Deno.env.set("DENO_DIR", `${directory}/deno`);
}

/**
 * Makes sure that the user can start workers at all.
 *
 * @throws {UserError} If Deno, duwsgi or the script is out of reach.
 */
export function requireReach(c: Libc, script: string, who: string): void {
  const needed = [
    [Deno.execPath(), X_OK, "Deno"],
    // A binary has it inside.
    ...isBinary() ? [] : [
      [modulePath(new URL("../../worker/preload.ts", import.meta.url)), R_OK, "duwsgi"] as const,
    ],
    [absolutePath(script), R_OK, "the script"],
  ] as const;
  for (const [path, mode, what] of needed) {
    if (!path.startsWith("/") || c.access(cString(path), mode) === 0) continue;
    throw new UserError(
      "configuration",
      `The user of ${who} has no access to ${what} at ${path}: move it, or open its directories`,
    );
  }
}
