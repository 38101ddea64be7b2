/** Owners of Unix sockets, against the system's own database. */
import { assertEquals, assertThrows } from "@std/assert";
import { requireLibc } from "../../../../lib/system/libc.ts";
import { findUser, groupsOf, resolveOwner } from "../../../../lib/system/files/owner.ts";

const c = requireLibc();

/** Name and number of every entry of a database with lines `name:x:number:…`. */
function entries(file: string): readonly [name: string, id: number][] {
  return Deno.readTextFileSync(file).trim().split("\n").map((line) => {
    const [name = "", , id = ""] = line.split(":");
    return [name, Number(id)];
  });
}

Deno.test("resolveOwner() finds every user and group of the system by name", () => {
  for (const [name, id] of entries("/etc/passwd")) {
    assertEquals(resolveOwner(c, name), { uid: id, gid: null });
  }
  for (const [name, id] of entries("/etc/group")) {
    assertEquals(resolveOwner(c, `:${name}`), { uid: null, gid: id });
  }
});

Deno.test("resolveOwner() takes names and numbers in every form", () => {
  const [[user = "", uid = 0] = []] = entries("/etc/passwd");
  const [[group = "", gid = 0] = []] = entries("/etc/group");
  assertEquals(resolveOwner(c, `${user}:${group}`), { uid, gid });
  assertEquals(resolveOwner(c, "12:34"), { uid: 12, gid: 34 });
  assertEquals(resolveOwner(c, "12"), { uid: 12, gid: null });
  assertEquals(resolveOwner(c, ":34"), { uid: null, gid: 34 });
  assertEquals(resolveOwner(c, "0:0"), { uid: 0, gid: 0 });
  assertEquals(resolveOwner(c, ""), { uid: null, gid: null });
});

Deno.test("resolveOwner() throws TypeError, when a name is unknown", () => {
  const user = assertThrows(() => resolveOwner(c, "no-such-one"), TypeError);
  assertEquals((user as Error).message, 'No user "no-such-one" on this system');
  const group = assertThrows(() => resolveOwner(c, "0:no-such-one"), TypeError);
  assertEquals((group as Error).message, 'No group "no-such-one" on this system');
});

Deno.test("findUser() has the whole entry, by name and by number", () => {
  for (const line of Deno.readTextFileSync("/etc/passwd").trim().split("\n")) {
    const [name = "", , uid = "", gid, , home = ""] = line.split(":");
    const user = { name, uid: Number(uid), gid: Number(gid), home };
    assertEquals(findUser(c, name), user);
    assertEquals(findUser(c, uid)?.uid, Number(uid));
  }
  assertEquals(findUser(c, "no-such-one"), null);
  assertEquals(findUser(c, "4294967290"), null);
});

Deno.test("groupsOf() are those that id(1) shows", async () => {
  for (const [name] of entries("/etc/passwd")) {
    const { stdout } = await new Deno.Command("/usr/bin/id", { args: ["-G", name] }).output();
    const expected = new TextDecoder().decode(stdout).trim().split(" ").map(Number);
    assertEquals(new Set(groupsOf(c, name, expected[0] ?? 0)), new Set(expected));
  }
});
