/** The file system as the configuration sees it. */
import { assertEquals, assertThrows } from "@std/assert";
import { captureBase, denoConfigSource } from "../../../lib/instance/config_source.ts";
import type { ConfigSource } from "../../../lib/config/source.ts";
import { VERSION } from "../../../lib/version.ts";
import { TempDirectory } from "../../helpers/temp_directory.ts";

function sourceIn(directory: TempDirectory): ConfigSource {
  return denoConfigSource({
    cwd: directory.path,
    startedAtMs: 7,
    passedSockets: [],
    started: { cwd: "/", binary: "" },
    stdin: () => "in",
    stdinRead: () => null,
  }, true);
}

Deno.test("denoConfigSource() tells who and where this process is", () => {
  using directory = new TempDirectory();
  const source = sourceIn(directory);
  assertEquals([source.cwd, source.startedAtMs, source.reloading], [directory.path, 7, true]);
  assertEquals([source.uid, source.gid], [Deno.uid(), Deno.gid()]);
  assertEquals([source.hostname, source.executable], [Deno.hostname(), Deno.execPath()]);
  assertEquals([source.version, source.stdin()], [VERSION, "in"]);
  const [user] = Deno.readTextFileSync("/etc/passwd").split("\n")
    .filter((line) => line.split(":")[2] === String(Deno.uid()));
  assertEquals(source.user, user?.split(":")[0] ?? String(Deno.uid()));
});

Deno.test("captureBase() keeps the directory, when the process changes it later", () => {
  using directory = new TempDirectory();
  const { cwd } = captureBase();
  const before = Deno.cwd();
  Deno.chdir(directory.path);
  try {
    assertEquals([cwd, captureBase().cwd], [before, directory.path]);
  } finally {
    Deno.chdir(before);
  }
});

Deno.test("readTextFile() resolves against the directory and keeps a byte order mark", () => {
  using directory = new TempDirectory();
  directory.write("sub/a.ini", "\ufeff[uwsgi]\n");
  const source = sourceIn(directory);
  assertEquals(source.readTextFile("sub/a.ini"), "\ufeff[uwsgi]\n");
  assertEquals(source.readTextFile(directory.at("sub/a.ini")), "\ufeff[uwsgi]\n");
});

Deno.test("readTextFile() says in plain words why a file cannot be read", () => {
  using directory = new TempDirectory();
  const source = sourceIn(directory);
  assertThrows(() => source.readTextFile("none"), Error, "there is no such file");
  assertThrows(() => source.readTextFile("."), Error, "it is a directory");
});

Deno.test("kind() and inode() look through symbolic links, and are null where nothing is", () => {
  using directory = new TempDirectory();
  directory.write("folder/file");
  Deno.symlinkSync(directory.at("folder/file"), directory.at("link"));
  Deno.symlinkSync(directory.at("none"), directory.at("dangling"));
  const source = sourceIn(directory);
  assertEquals(
    ["folder", "folder/file", "link", "dangling", "none", "/dev/null"].map((path) =>
      source.kind(path)
    ),
    ["directory", "file", "file", null, null, "other"],
  );
  assertEquals(source.inode("link"), Deno.statSync(directory.at("folder/file")).ino);
  assertEquals(source.inode("none"), null);
});

Deno.test("glob() finds what the shell finds, in its order", () => {
  using directory = new TempDirectory();
  for (const name of ["b.ini", "a.ini", "a.txt", "c+.ini", ".hidden.ini", "x/1.ini", "y/2.ini"]) {
    directory.write(name);
  }
  directory.write("x/deep/3.ini");
  directory.write("[odd].ini");
  const source = sourceIn(directory);
  const cases: readonly [pattern: string, found: readonly string[]][] = [
    ["*.ini", ["[odd].ini", "a.ini", "b.ini", "c+.ini"]],
    ["?.ini", ["a.ini", "b.ini"]],
    ["[ab].ini", ["a.ini", "b.ini"]],
    ["[!a].ini", ["b.ini"]],
    ["[a-b].*", ["a.ini", "a.txt", "b.ini"]],
    [".*.ini", [".hidden.ini"]],
    ["*/*.ini", ["x/1.ini", "y/2.ini"]],
    ["x/*/*.ini", ["x/deep/3.ini"]],
    ["c+.*", ["c+.ini"]],
    ["a.ini", ["a.ini"]],
    ["none.ini", []],
    ["none/*.ini", []],
    ["a.ini/*", []],
    ["*.xyz", []],
  ];
  for (const [pattern, found] of cases) assertEquals(source.glob(pattern), found, pattern);
});

Deno.test("glob() takes absolute patterns, relative detours and dots that stand for themselves", () => {
  using directory = new TempDirectory();
  directory.write("a.ini");
  directory.write("axini");
  directory.write("sub/b.ini");
  const source = sourceIn(directory);
  assertEquals(source.glob(`${directory.path}/*.ini`), [directory.at("a.ini")]);
  assertEquals(source.glob("./*.ini"), ["./a.ini"]);
  assertEquals(source.glob("sub/../*.ini"), ["sub/../a.ini"]);
});

Deno.test("glob() takes a bracket that never closes for itself", () => {
  using directory = new TempDirectory();
  directory.write("[a.ini");
  assertEquals(sourceIn(directory).glob("[a.*"), ["[a.ini"]);
});

Deno.test("glob() takes no time for names that are made to need much of it", () => {
  using directory = new TempDirectory();
  const long = "a".repeat(250);
  for (const name of [long, "ab[*]c.ini", "a1b2c3.ini"]) directory.write(name);
  const source = sourceIn(directory);
  assertEquals(source.glob("*a*a*a*a*a*a*a*a*a*a*a*a*b"), []);
  assertEquals(source.glob(`${"*a".repeat(120)}*`), [long]);
  assertEquals(source.glob("*b[[][*]*c*"), ["ab[*]c.ini"]);
  assertEquals(source.glob("**[0-9]?[!0-9]*3.i**"), []);
  assertEquals(source.glob("**[0-9]?[0-9]*3.i**"), ["a1b2c3.ini"]);
});
