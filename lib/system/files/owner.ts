/**
 * User and group names to numbers, and what belongs to a user, through the system's own database
 * (getpwnam(3), getgrnam(3), getgrouplist(3)).
 *
 * @module
 */

import { cString, type Libc } from "../libc.ts";

/** A numeric owner; null leaves that half as it is. */
export interface Owner {
  readonly uid: number | null;
  readonly gid: number | null;
}

/** Where `pw_uid` and `gr_gid` stand in their structures: behind two pointers. */
const ID_OFFSET = 16;

/**
 * Reads `user`, `user:group` or `:group`; each may be a name or a number.
 *
 * @throws {TypeError} If a name is unknown.
 */
export function resolveOwner(c: Libc, text: string): Owner {
  const [user = "", group = ""] = text.split(":", 2);
  return {
    uid: user === "" ? null : resolveId(c.getpwnam, user, "user"),
    gid: group === "" ? null : resolveId(c.getgrnam, group, "group"),
  };
}

function resolveId(lookUp: Libc["getpwnam"], name: string, what: string): number {
  if (/^\d+$/.test(name)) return Number(name);
  const record = lookUp(cString(name));
  if (record === null) throw new TypeError(`No ${what} "${name}" on this system`);
  return new Deno.UnsafePointerView(record).getUint32(ID_OFFSET);
}

/** Where the rest of `struct passwd` stands on 64-bit Linux. */
const GID_OFFSET = 20;
const HOME_OFFSET = 32;
/** Linux allows a process 65536 groups (NGROUPS_MAX). */
const MOST_GROUPS = 65_536;

/** An entry of the user database. */
export interface User {
  readonly name: string;
  readonly uid: number;
  /** Number of the primary group. */
  readonly gid: number;
  /** Home directory, which need not exist. */
  readonly home: string;
}

/** The user of a name or number; null: the database has none. */
export function findUser(c: Libc, user: string): User | null {
  const record = /^\d+$/.test(user) ? c.getpwuid(Number(user)) : c.getpwnam(cString(user));
  if (record === null) return null;
  const view = new Deno.UnsafePointerView(record);
  const text = (offset: number) => {
    const at = view.getPointer(offset);
    return at === null ? "" : Deno.UnsafePointerView.getCString(at);
  };
  return {
    name: text(0),
    uid: view.getUint32(ID_OFFSET),
    gid: view.getUint32(GID_OFFSET),
    home: text(HOME_OFFSET),
  };
}

/** All groups of a user, `gid` among them. */
export function groupsOf(c: Libc, name: string, gid: number): number[] {
  const groups = new Uint32Array(MOST_GROUPS);
  const count = new Int32Array([MOST_GROUPS]);
  c.getgrouplist(
    cString(name),
    gid,
    new Uint8Array(groups.buffer),
    new Uint8Array(count.buffer),
  );
  return [...groups.subarray(0, count[0])];
}
