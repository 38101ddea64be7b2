import { assertEquals, assertThrows } from "@std/assert";
import { RawEntries } from "../../../../lib/config/ini/entry.ts";
import type { ExpansionScope } from "../../../../lib/config/ini/expand.ts";
import { sectionLines, sectionOf, shownName } from "../../../../lib/config/ini/ini_file.ts";
import { Problems } from "../../../../lib/config/problem.ts";
import { Budget, TextFiles } from "../../../../lib/config/ini/text_files.ts";
import { memorySource } from "../../../helpers/memory_source.ts";

function scope(): ExpansionScope {
  const source = memorySource();
  return {
    source,
    problems: new Problems(),
    entries: new RawEntries(),
    texts: new TextFiles(source),
    allowance: new Budget(),
  };
}

const outer = { name: "conf/a.ini", section: "" };

Deno.test("sectionLines() replaces magic variables of the file and of the outermost one", () => {
  const inner = { name: "b.ini", section: "web" };
  const lines = sectionLines("[web]\n%n = %N %x", [outer, inner], scope());
  assertEquals(lines.map(({ key, value }) => [key, value]), [["b", "a web"]]);
});

Deno.test("sectionLines() gives standard input no name but a section", () => {
  const input = { name: "-", section: "web" };
  const lines = sectionLines("[web]\na = <%p%o%x>", [input], scope());
  assertEquals(lines.map(({ value, origin }) => [value, origin.file]), [["<web>", "<stdin>"]]);
});

Deno.test("sectionLines() reports unknown magic variables with their line", () => {
  const { problems, ...rest } = scope();
  sectionLines("[uwsgi]\na = 5% b", [outer], { ...rest, problems });
  assertEquals(problems.sorted([]).map(({ message }) => message), [
    '"% " at conf/a.ini:2 is no magic variable: write %% for a percent sign',
  ]);
});

Deno.test("sectionLines() throws, when there is no such section", () => {
  assertThrows(
    () => sectionLines("[uwsgo]", [outer], scope()),
    SyntaxError,
    "asks for the section [uwsgi], which conf/a.ini lacks: did you mean [uwsgo]?",
  );
});

Deno.test("shownName() and sectionOf() know standard input and the default section", () => {
  assertEquals([shownName(outer), sectionOf(outer)], ["conf/a.ini", "uwsgi"]);
  const input = { name: "-", section: "web" };
  assertEquals([shownName(input), sectionOf(input)], ["<stdin>", "web"]);
});
