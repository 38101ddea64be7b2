/**
 * User and group names to numbers, through the system's own database (getpwnam(3), getgrnam(3)).
 *
 * @module
 */

import { cString, type Libc } from "./libc.ts";

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
