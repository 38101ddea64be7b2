/** Paths, resolved on descriptors. What root refuses is shown by tests/process/links_of_others_test.ts. */
import { assertEquals, assertThrows } from "@std/assert";
import { descriptorStatus } from "../../../../lib/system/files/file_status.ts";
import { ERRNO, type Libc, SystemCallError } from "../../../../lib/system/libc.ts";
import { openPlace, UnsafePathError } from "../../../../lib/system/files/trusted_path.ts";
import { NOBODY } from "../../../helpers/other_user.ts";
import { OwnedDescriptors } from "../../../helpers/owned_descriptors.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

const ROOT = Deno.uid() === 0;

/** The path without links that a path leads to. */
function realPath(c: Libc, path: string, follow = true): string {
  using place = openPlace(c, path, { follow });
  return place.path;
}

function errnoOf(call: () => unknown): number {
  return (assertThrows(call, SystemCallError) as SystemCallError).errno;
}

Deno.test("openPlace() goes where the kernel goes, and lets the last component be missing", () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const c = owned.libc;
  directory.write("a/b/file", "text");
  Deno.symlinkSync("a", directory.at("relative"));
  Deno.symlinkSync(directory.at("relative/b"), directory.at("absolute"));
  Deno.symlinkSync("../../a/./b//file", directory.at("a/b/up"));
  Deno.symlinkSync("nowhere", directory.at("dangling"));
  const cases = {
    "a/b/file": "a/b/file",
    "relative/b/file": "a/b/file",
    "absolute/file": "a/b/file",
    "absolute/up": "a/b/file",
    "a/b/missing": "a/b/missing",
    "dangling": "nowhere",
    "relative": "a",
  };
  for (const [path, expected] of Object.entries(cases)) {
    assertEquals(realPath(c, directory.at(path)), directory.at(expected), path);
  }
  assertEquals(realPath(c, directory.at("absolute/up"), false), directory.at("a/b/up"));
  assertEquals(realPath(c, "/"), "/.");
});

Deno.test("openPlace() throws what the kernel says of a path that leads nowhere", () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const c = owned.libc;
  directory.write("file");
  Deno.symlinkSync("loop", directory.at("loop"));
  assertEquals(errnoOf(() => realPath(c, directory.at("missing/file"))), ERRNO.ENOENT);
  assertEquals(errnoOf(() => realPath(c, directory.at("file/x"))), ERRNO.ENOTDIR);
  assertEquals(errnoOf(() => realPath(c, directory.at("loop"))), ERRNO.ELOOP);
  assertEquals(errnoOf(() => realPath(c, directory.at("loop/x"))), ERRNO.ELOOP);
});

Deno.test("openPlace() takes the links of /proc for the files that they stand for", () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const c = owned.libc;
  const file = Deno.openSync(directory.write("file", "text"), { append: true });
  const descriptor = [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => name).find((name) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${name}`) === directory.at("file");
    } catch {
      return false;
    }
  });
  using place = openPlace(c, `/proc/self/fd/${descriptor}`);
  assertEquals(place.isOpenFile, true);
  const fd = owned.own(place.tryOpen(1));
  assertEquals(descriptorStatus(c, fd)?.inode, Deno.statSync(directory.at("file")).ino);
  file.close();
});

Deno.test("a place stays where it is, whatever its path means by then", () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const c = owned.libc;
  directory.write("a/file", "ours");
  directory.write("b/file", "others");
  using place = openPlace(c, directory.at("a/file"));
  Deno.renameSync(directory.at("a"), directory.at("moved"));
  Deno.symlinkSync("b", directory.at("a"));
  place.change({ mode: 0o600 });
  place.remove();
  assertEquals(Deno.readTextFileSync(directory.at("b/file")), "others");
  assertEquals([...Deno.readDirSync(directory.at("moved"))], []);
  assertEquals(errnoOf(() => place.change({ mode: 0o600 })), ERRNO.ENOENT);
});

Deno.test("Place.change() changes nothing of a link, or of what is not expected there", () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  directory.write("file");
  Deno.chmodSync(directory.at("file"), 0o640);
  Deno.symlinkSync("file", directory.at("link"));
  using link = openPlace(owned.libc, directory.at("link"), { follow: false });
  assertThrows(() => link.change({ mode: 0o666 }), UnsafePathError, "is a symbolic link");
  using file = openPlace(owned.libc, directory.at("file"));
  assertThrows(() => file.change({ mode: 0o666 }, () => false), UnsafePathError, "replaced");
  assertEquals((Deno.statSync(directory.at("file")).mode ?? 0) & 0o777, 0o640);
});

Deno.test({
  name: "root follows links of root's in sticky directories, and of nobody else anywhere",
  ignore: !ROOT,
  fn: () => {
    using owned = new OwnedDescriptors();
    using directory = new TempDirectory();
    const c = owned.libc;
    directory.write("target/file");
    for (const name of ["sticky", "open", "theirs", "group"]) {
      Deno.mkdirSync(directory.at(name));
      Deno.symlinkSync("../target", directory.at(`${name}/own`));
      Deno.symlinkSync("../target", directory.at(`${name}/foreign`));
      Deno.lstatSync(directory.at(`${name}/foreign`));
      c.fchownat(
        -1,
        new TextEncoder().encode(directory.at(`${name}/foreign`) + "\0"),
        NOBODY,
        NOBODY,
        0x100,
      );
    }
    Deno.chmodSync(directory.at("sticky"), 0o1777);
    Deno.chmodSync(directory.at("open"), 0o777);
    Deno.chmodSync(directory.at("group"), 0o775);
    Deno.chownSync(directory.at("theirs"), NOBODY, NOBODY);
    const follows = (path: string) => {
      try {
        return realPath(c, directory.at(path)) === directory.at("target/file");
      } catch (error) {
        if (error instanceof UnsafePathError) return false;
        throw error;
      }
    };
    const names = ["sticky", "open", "theirs", "group"];
    assertEquals(names.map((name) => follows(`${name}/own/file`)), [true, false, false, true]);
    assertEquals(names.map((name) => follows(`${name}/foreign/file`)), Array(4).fill(false));
    const owners = { owners: [NOBODY] };
    openPlace(c, directory.at("theirs/x"), owners)[Symbol.dispose]();
    openPlace(c, directory.at("sticky/x"), owners)[Symbol.dispose]();
    assertThrows(() => openPlace(c, directory.at("theirs/x"), { owners: [] }), UnsafePathError);
    assertThrows(() => openPlace(c, directory.at("open/x"), owners), UnsafePathError, "everybody");
  },
});
