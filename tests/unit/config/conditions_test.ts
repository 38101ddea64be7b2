import { assert, assertEquals, assertThrows } from "@std/assert";
import { CONDITIONS } from "../../../lib/config/conditions.ts";
import { memorySource } from "../../helpers/memory_source.ts";

const source = memorySource({
  env: { HOME: "/root", EMPTY: "", __proto__: "x" },
  files: { "/etc/app/file": "" },
  hostname: "web1",
});

function test(
  name: string,
  argument: string,
  value = (_: string): string | undefined => undefined,
) {
  const condition = CONDITIONS.find((one) => one.name === name);
  if (condition === undefined) throw new Error(`There is no ${name}`);
  return condition.test(argument, { source, value });
}

Deno.test("if-env finds variables and compares values", () => {
  assertEquals(test("if-env", "HOME"), "/root");
  assertEquals(test("if-env", "HOME=/root"), "/root");
  assertEquals(test("if-env", "HOME=/"), null);
  assertEquals(test("if-env", "EMPTY"), "");
  assertEquals(test("if-env", "EMPTY="), "");
  assertEquals(test("if-env", "toString"), null);
});

Deno.test("if-opt compares the value it is given", () => {
  const value = (name: string) => name === "a" ? "1" : undefined;
  assertEquals(test("if-opt", "a", value), "1");
  assertEquals(test("if-opt", "a=1", value), "1");
  assertEquals(test("if-opt", "a=2", value), null);
  assertEquals(test("if-opt", "b", value), null);
});

Deno.test("if-exists, if-file and if-dir tell files from directories", () => {
  const all = ["if-exists", "if-file", "if-dir"];
  assertEquals(all.map((name) => test(name, "/etc/app/file")), [
    "/etc/app/file",
    "/etc/app/file",
    null,
  ]);
  assertEquals(all.map((name) => test(name, "/etc/app")), ["/etc/app", null, "/etc/app"]);
  assertEquals(all.map((name) => test(name, "/none")), [null, null, null]);
});

Deno.test("if-reload is true, when a master reads its configuration again", () => {
  assertEquals(test("if-reload", ""), null);
  const condition = CONDITIONS.find(({ name }) => name === "if-reload");
  const facts = { source: { ...source, reloading: true }, value: () => undefined };
  assertEquals(condition?.test("", facts), "");
});

Deno.test("if-hostname and if-hostname-match look at the name of the host", () => {
  assertEquals(test("if-hostname", "web1"), "web1");
  assertEquals(test("if-hostname", "web"), null);
  for (const expression of ["web", "^web[0-9]+$", "^(db|web)\\d$", "(?:x?)web.", "\\w{4}"]) {
    assertEquals(test("if-hostname-match", expression), "web1", expression);
  }
  assertEquals(test("if-hostname-match", "^db"), null);
});

Deno.test("if-hostname-match refuses expressions that could run for long", () => {
  const slow = [
    "(a+)+$",
    "(a|a)*",
    ".*.*.*.*x",
    "(?=a)",
    "(a)\\1",
    "(?<n>a)\\k<n>",
    "a|a|a|a|a|a|a|a|a|a",
    "x".repeat(101),
    "(a?){9}",
  ];
  for (const expression of slow) {
    assertThrows(() => test("if-hostname-match", expression), SyntaxError, "simple", expression);
  }
  assertThrows(() => test("if-hostname-match", "["), SyntaxError, "cannot use");
});

Deno.test("if-plugin is never true", () => assertEquals(test("if-plugin", "python"), null));

Deno.test("CONDITIONS each have a negation", () => {
  for (const { name, aliases } of CONDITIONS) {
    assert(aliases.includes(name.replace("if-", "if-not-")), name);
  }
});
