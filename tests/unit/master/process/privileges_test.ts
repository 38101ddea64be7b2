/** Whom a configuration wants to become. Becoming it is for tests of the process. */
import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../../../lib/errors.ts";
import {
  type Ids,
  type PrivilegeConfig,
  wantedIdentity,
} from "../../../../lib/master/process/privileges.ts";
import { requireLibc } from "../../../../lib/system/libc.ts";

const c = requireLibc();
const ROOT: Ids = { uid: 0, gid: 0 };
const SOMEBODY: Ids = { uid: 54321, gid: 54322 };
const NOTHING: PrivilegeConfig = { uid: "", gid: "", addGid: [], initgroups: true };

function wanted(config: Partial<PrivilegeConfig>, own: Ids) {
  return wantedIdentity(c, { ...NOTHING, ...config }, (key) => `${key} (app.ini:3)`, own);
}

Deno.test("wantedIdentity() is null, when nothing is configured", () => {
  assertEquals(wanted({}, ROOT), null);
  assertEquals(wanted({ initgroups: false }, SOMEBODY), null);
});

Deno.test("wantedIdentity() has the groups of the user, of gid, and those to add", () => {
  const numbers = { uid: "54321", gid: "54322" };
  const identity = { ...SOMEBODY, groups: [54322], user: null };
  assertEquals(wanted(numbers, ROOT), identity);
  const added = { ...numbers, addGid: ["7", "54322", "7"] };
  assertEquals(wanted(added, ROOT), { ...identity, groups: [54322, 7] });
  assertEquals(wanted({ gid: "7" }, ROOT), { uid: 0, gid: 7, groups: [7], user: null });
  assertEquals(wanted({ addGid: ["7"] }, ROOT), { uid: 0, gid: 0, groups: [0, 7], user: null });
});

Deno.test("wantedIdentity() takes the group of the user database, when there is no gid", () => {
  for (const line of Deno.readTextFileSync("/etc/passwd").trim().split("\n")) {
    const [name = "", , uid, gid] = line.split(":");
    const identity = wanted({ uid: name, initgroups: false }, ROOT);
    assertEquals([identity?.uid, identity?.gid], [Number(uid), Number(gid)], name);
    assertEquals(identity?.groups, [Number(gid)]);
    assertEquals(identity?.user?.name, name);
  }
});

Deno.test("wantedIdentity() throws UserError with the place, when somebody is unknown", () => {
  const cases = [
    [{ uid: "no-such-one" }, 'Cannot use uid (app.ini:3): No user "no-such-one" on this system'],
    [{ gid: "no-such-one" }, 'Cannot use gid (app.ini:3): No group "no-such-one" on this system'],
    [
      { addGid: ["no-such-one"] },
      'Cannot use addGid (app.ini:3): No group "no-such-one" on this system',
    ],
    [
      { uid: "54321" },
      "The user 54321 of uid (app.ini:3) has no entry in the user database: set gid as well",
    ],
  ] as const;
  for (const [config, message] of cases) {
    const error = assertThrows(() => wanted(config, ROOT), UserError);
    assertEquals((error as Error).message, message);
  }
});

Deno.test("wantedIdentity() asks who is not root to be what it is, or throws UserError", () => {
  assertEquals(wanted({ uid: "54321", gid: "54322", addGid: ["54322"] }, SOMEBODY), null);
  for (const config of [{ uid: "0" }, { gid: "0" }, { addGid: ["999999"] }]) {
    const error = assertThrows(() => wanted(config, SOMEBODY), UserError);
    const [key] = Object.keys(config);
    assertEquals(
      (error as Error).message,
      `Cannot do what ${key} (app.ini:3) says: only root can, start duwsgi as root or remove it`,
    );
  }
});
