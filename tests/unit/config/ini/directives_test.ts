import { assertEquals } from "@std/assert";
import { assemble } from "../../../../lib/config/ini/directives.ts";
import type { SettingLine } from "../../../../lib/config/ini/entry.ts";
import { Problems } from "../../../../lib/config/problem.ts";
import { memorySource, type MemoryWorld } from "../../../helpers/memory_source.ts";

function run(text: string, world: MemoryWorld = {}) {
  const lines = text.split("\n").map((line, index): SettingLine => {
    const equals = line.indexOf(" = ");
    return {
      key: equals < 0 ? line : line.slice(0, equals),
      value: equals < 0 ? null : line.slice(equals + 3),
      origin: { file: "<command line>", line: index + 1 },
    };
  });
  const problems = new Problems();
  const { scope, files, incomplete } = assemble([lines], memorySource(world), problems);
  return {
    entries: [...scope.entries].map(({ key, value, matched }) =>
      [key, value, matched].filter((part) => part !== null).join(" ")
    ),
    files,
    incomplete,
    problems: problems.sorted(files).map(({ message }) => message),
  };
}

Deno.test("assemble() keeps lines in order and remembers what a block found", () => {
  assertEquals(run("a = 1\nfor = x y\nb = %(_)\nendfor\nc").entries, [
    "a 1",
    "b %(_) x",
    "b %(_) y",
    "c",
  ]);
});

Deno.test("assemble() reads files at their place, inherited ones at the end", () => {
  const files = {
    "one.ini": "[uwsgi]\nin = one",
    "two.ini": "[uwsgi]\nin = two\ninherit = three.ini",
    "three.ini": "[uwsgi]\nin = three",
  };
  const result = run("inherit = two.ini\na = 1\nini = one.ini\nb = 2", { files });
  assertEquals(result.entries, ["a 1", "in one", "b 2", "in two", "in three"]);
  assertEquals(result.files, ["one.ini", "two.ini", "three.ini"]);
  assertEquals(result.incomplete, false);
});

Deno.test("assemble() reads a file twice, when it is named twice, and lists it once", () => {
  const result = run("ini = a.ini\ninclude = a.ini", { files: { "a.ini": "[uwsgi]\nx = 1" } });
  assertEquals([result.entries, result.files, result.problems], [["x 1", "x 1"], ["a.ini"], []]);
});

Deno.test("assemble() is incomplete, when a file or section is missing", () => {
  assertEquals(run("ini = none.ini").incomplete, true);
  assertEquals(run("ini = a.ini", { files: { "a.ini": "[web]" } }), {
    entries: [],
    files: ["a.ini"],
    incomplete: true,
    problems: [
      '"ini" at <command line>:1 asks for the section [uwsgi], which a.ini lacks: ' +
      "add the header [uwsgi]",
    ],
  });
});

Deno.test("assemble() notices a file that includes itself under another name", () => {
  const files = { "a.ini": "[uwsgi]\nini = sub/../a.ini", "sub/x": "" };
  assertEquals(run("ini = a.ini", { files }).problems, [
    '"ini" at a.ini:2 makes "sub/../a.ini" include itself: remove it',
  ]);
  const sections = { "a.ini": "[uwsgi]\nini = :b\n[b]\nini = :c\n[c]\nx = 1" };
  assertEquals(run("ini = a.ini", { files: sections }).problems, []);
});

Deno.test("assemble() defines each placeholder once, and none with the name of an option", () => {
  const { entries, problems } = run("set-ph = a=1\nset-placeholder = a=2\nset-ph = workers=3");
  assertEquals(entries, ["a 1"]);
  assertEquals(problems, [
    '"set-ph" at <command line>:3 cannot redefine the option "workers": choose another name',
  ]);
});

Deno.test("assemble() carries out set like a line", () => {
  assertEquals(run("set = a = 1\nset = b\nfor = x\nset = c-%(_)=2\nendfor").entries, [
    "a 1",
    "b",
    "c-x 2 x",
  ]);
});

Deno.test("assemble() carries a matched value into included files", () => {
  const files = { "x.ini": "[uwsgi]\na = %(_)" };
  assertEquals(run("for = x\nini = %(_).ini\nendfor", { files }).entries, ["a %(_) x"]);
});

Deno.test("assemble() blames the line reached, when there is no end", () => {
  const { problems } = run("a = 1\nfor-times = 99999999\nb = 2\nendfor");
  assertEquals(problems, [
    "The configuration has more than 20000 lines, counting repetitions: " +
    "look for a loop at <command line>:3",
  ]);
});
