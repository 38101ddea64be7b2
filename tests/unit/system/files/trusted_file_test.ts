/** Files that are written where others may write, too. */
import { assertEquals, assertThrows } from "@std/assert";
import type { Libc } from "../../../../lib/system/libc.ts";
import {
  openEmptied,
  openToAppend,
  readSmallFile,
  replaceText,
  writeText,
} from "../../../../lib/system/files/trusted_file.ts";
import { UnsafePathError } from "../../../../lib/system/files/trusted_path.ts";
import { OwnedDescriptors } from "../../../helpers/owned_descriptors.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

const O_CREAT = 0o100;
const O_EXCL = 0o200;

/** The C library, and the flags that files were opened with. */
function watched(c: Libc): { readonly c: Libc; readonly flags: number[] } {
  const flags: number[] = [];
  const openat: Libc["openat"] = (at, name, given, mode) => {
    flags.push(given);
    return c.openat(at, name, given, mode);
  };
  const get = (_: unknown, key: string) => key === "openat" ? openat : c[key as keyof Libc];
  return { c: new Proxy({}, { get }) as Libc, flags };
}

Deno.test("a file that is there is never opened with O_CREAT, which fs.protected_regular would refuse", () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const { c, flags } = watched(owned.libc);
  const creating = () => flags.splice(0).filter((one) => (one & O_CREAT) !== 0);
  for (
    const open of [
      (path: string) => openToAppend(c, path).fd,
      (path: string) => openEmptied(c, path, 0o666),
    ]
  ) {
    const path = directory.at(`file${flags.length}`);
    owned.own(open(path));
    assertEquals(creating().map((one) => (one & O_EXCL) !== 0), [true]);
    owned.own(open(path));
    assertEquals(creating(), []);
    Deno.removeSync(path);
  }
  replaceText(c, directory.write("whole", "old"), "new", "whole.new");
  assertEquals(creating().map((one) => (one & O_EXCL) !== 0), [true]);
});

Deno.test("openToAppend() writes behind what is there, and openEmptied() in its place", () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const c = owned.libc;
  const path = directory.write("file", "old ");
  const opened = openToAppend(c, path);
  writeText(c, owned.own(opened.fd), "more");
  assertEquals([opened.status.size, Deno.readTextFileSync(path)], [4, "old more"]);
  writeText(c, owned.own(openEmptied(c, path, 0o666)), "new");
  assertEquals(Deno.readTextFileSync(path), "new");
  assertThrows(() => openToAppend(c, directory.path), Error, "directory");
});

Deno.test("openToAppend() waits for nobody: a FIFO takes what is written while somebody reads it", async () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const c = owned.libc;
  const path = directory.at("fifo");
  await new Deno.Command("mkfifo", { args: [path] }).output();
  assertThrows(() => openToAppend(c, path), UnsafePathError, "nobody reads");
  const reader = Deno.openSync(path, { read: true, write: true });
  writeText(c, owned.own(openToAppend(c, path).fd), "line");
  const buffer = new Uint8Array(16);
  assertEquals(await reader.read(buffer), 4);
  reader.close();
});

Deno.test("replaceText() replaces links, and what was left unfinished, but not what they lead to", () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const c = owned.libc;
  directory.write("victim", "precious");
  for (const name of ["file", "file.new"]) Deno.symlinkSync("victim", directory.at(name));
  replaceText(c, directory.at("file"), "1\n", "file.new");
  assertEquals(directory.names, ["file", "victim"]);
  assertEquals(Deno.lstatSync(directory.at("file")).isFile, true);
  assertEquals(Deno.readTextFileSync(directory.at("victim")), "precious");
  Deno.mkdirSync(directory.at("directory"));
  assertThrows(() => replaceText(c, directory.at("directory"), "1", "unfinished"), Error, "rename");
  assertEquals(directory.names, ["directory", "file", "victim"]);
});

Deno.test("readSmallFile() reads regular files, up to a limit, and waits for nothing else", async () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const c = owned.libc;
  const path = directory.write("file", "123456789");
  assertEquals(readSmallFile(c, path, 4, true)?.text, "1234");
  assertEquals(readSmallFile(c, directory.at("none"), 4, true), null);
  assertEquals(readSmallFile(c, directory.at("none/file"), 4, true), null);
  Deno.symlinkSync("file", directory.at("link"));
  assertEquals(readSmallFile(c, directory.at("link"), 4, true)?.text, "1234");
  assertThrows(() => readSmallFile(c, directory.at("link"), 4, false), UnsafePathError, "link");
  await new Deno.Command("mkfifo", { args: [directory.at("fifo")] }).output();
  for (const other of [directory.at("fifo"), directory.path]) {
    assertThrows(() => readSmallFile(c, other, 4, true), UnsafePathError, "no regular file");
  }
});
