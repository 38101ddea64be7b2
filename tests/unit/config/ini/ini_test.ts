import { assertEquals } from "@std/assert";
import { readSection, trimSpace } from "../../../../lib/config/ini/ini.ts";
import { Problems } from "../../../../lib/config/problem.ts";

function read(text: string, wanted = "uwsgi") {
  const problems = new Problems();
  const { lines, names } = readSection(text, "a.ini", wanted, (raw) => raw, problems);
  return {
    lines: lines?.map(({ key, value, origin }) => [origin.line, key, value]) ?? null,
    names,
    problems: problems.sorted(["a.ini"]).map(({ message }) => message),
  };
}

Deno.test("readSection() gives names, values and line numbers in order", () => {
  assertEquals(read("[uwsgi]\na = 1\n\n; no\n# no\n a=2=3 \nflag\nempty =\n"), {
    lines: [[2, "a", "1"], [6, "a", "2=3"], [7, "flag", null], [8, "empty", ""]],
    names: ["uwsgi"],
    problems: [],
  });
});

Deno.test("readSection() ignores a byte order mark and carriage returns", () => {
  assertEquals(read("\ufeff[uwsgi]\r\na = 1\r\n").lines, [[2, "a", "1"]]);
});

Deno.test("readSection() joins the parts of a section and knows the names of all", () => {
  const text = "[ uwsgi ]\na = 1\n[b]\nc = 2\n[uwsgi]\nd = 3";
  assertEquals(read(text).lines, [[2, "a", "1"], [6, "d", "3"]]);
  assertEquals(read(text, "none"), { lines: null, names: ["uwsgi", "b"], problems: [] });
});

Deno.test("readSection() keeps quotes, backslashes and what looks like a comment", () => {
  const { lines } = read('[uwsgi]\na = "x" ; y # z \\');
  assertEquals(lines, [[2, "a", '"x" ; y # z \\']]);
});

Deno.test("readSection() reports malformed headers and guesses what was meant", () => {
  for (const header of ["[uwsgi", "[uwsgi] x"]) {
    const { lines, problems } = read(`${header}\na = 1`);
    assertEquals(lines, [[2, "a", "1"]]);
    assertEquals(problems, [
      "The section header at a.ini:1 is malformed: write [name] and nothing else on the line",
    ]);
  }
});

Deno.test("readSection() reports lines above the first section once", () => {
  assertEquals(read("a = 1\nb = 2\n[uwsgi]").problems, [
    "The line at a.ini:1 is in no section: write [uwsgi] above it",
  ]);
});

Deno.test("readSection() substitutes in headers and in lines of the section only", () => {
  const seen: string[] = [];
  const problems = new Problems();
  const substitute = (raw: string) => {
    seen.push(raw);
    return raw.replace("%h", "web1");
  };
  const text = "[%h]\na = %h\n[other]\nb = %h";
  const { lines } = readSection(text, "a.ini", "web1", substitute, problems);
  assertEquals(lines?.map(({ value }) => value), ["web1"]);
  assertEquals(seen, ["%h", "a = %h", "other"]);
});

Deno.test("trimSpace() drops space, tab and carriage return, and nothing else", () => {
  assertEquals(trimSpace(" \t\r a \r\t "), "a");
  assertEquals(trimSpace("\u00a0a\u00a0"), "\u00a0a\u00a0");
  assertEquals(trimSpace(" "), "");
});
