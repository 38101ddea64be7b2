import { assertEquals, assertThrows } from "@std/assert";
import { RawEntries } from "../../../../lib/config/ini/entry.ts";
import { Expander, type ExpansionScope } from "../../../../lib/config/ini/expand.ts";
import { Problems } from "../../../../lib/config/problem.ts";
import { Budget, LimitError, TextFiles } from "../../../../lib/config/ini/text_files.ts";
import { memorySource } from "../../../helpers/memory_source.ts";

const origin = { file: "a.ini", line: 7 };

function scopeOf(values: Readonly<Record<string, string | null>> = {}): ExpansionScope {
  const source = memorySource({
    env: { HOME: "/home/me", EMPTY: "", SLY: "$(HOME)%(a)@(f)" },
    files: { f: "content\n", "root/key": "%(a)\r\n\n" },
  });
  const entries = new RawEntries();
  for (const [key, value] of Object.entries(values)) {
    entries.add({ key, value, origin, placeholder: true, matched: null });
  }
  return {
    source,
    entries,
    problems: new Problems(),
    texts: new TextFiles(source),
    allowance: new Budget(),
  };
}

function expand(text: string, values: Readonly<Record<string, string | null>> = {}) {
  const scope = scopeOf(values);
  const value = new Expander(scope, true).expand(text, { origin, matched: "it" });
  return [value, ...scope.problems.sorted([]).map(({ severity }) => severity)];
}

Deno.test("expand() replaces environment variables, with defaults as in sh(1)", () => {
  assertEquals(expand("<$(HOME)>"), ["</home/me>"]);
  assertEquals(expand("$(EMPTY)"), [""]);
  assertEquals(expand("$(EMPTY-x)|$(EMPTY:-x)|$(NONE-x)|$(NONE:-x)|$(NONE-)"), ["|x|x|x|"]);
  assertEquals(expand("$(NONE:-$(HOME)/%(a))", { a: "1" }), ["/home/me/1"]);
});

Deno.test("expand() leaves what is not defined, with a warning", () => {
  assertEquals(expand("$(NONE)"), ["$(NONE)", "warning"]);
  assertEquals(expand("%(none)"), ["%(none)", "warning"]);
  assertEquals(expand("$(toString)"), ["$(toString)", "warning"]);
  assertEquals(expand("$()"), ["$()", "warning"]);
});

Deno.test("expand() leaves what is not closed, with a warning", () => {
  assertEquals(expand("a $(HOME %(b"), ["a $(HOME %(b", "warning"]);
  assertEquals(expand("%($(HOME)"), ["%(/home/me", "warning"]);
  assertEquals(expand("a) (b) $ ( % @"), ["a) (b) $ ( % @"]);
});

Deno.test("expand() does not look at data again", () => {
  assertEquals(expand("$(SLY)"), ["$(HOME)%(a)@(f)"]);
  assertEquals(expand("@(root/key)", { a: "1" }), ["%(a)\r\n"]);
});

Deno.test("expand() reads files and data URLs; others are errors", () => {
  assertEquals(expand("@(f)"), ["content"]);
  assertEquals(expand("@(%(dir)/key)", { dir: "$(NONE:-root)", a: "1" }), ["%(a)\r\n"]);
  assertEquals(expand("@(data:,a%20b%29)"), ["a b)"]);
  assertEquals(expand("@(data:,%)"), ["@(data:,%)", "error"]);
  assertEquals(expand("@(none)"), ["@(none)", "error"]);
  assertEquals(expand("@(exec://ls)"), ["@(exec://ls)", "error"]);
});

Deno.test("expand() replaces placeholders by first values, expanded themselves", () => {
  assertEquals(expand("%(a) %( b ) %(_)", { a: "%(b)1", b: "$(HOME)" }), ["/home/me1 /home/me it"]);
  assertEquals(expand("<%(flag)>", { flag: null }), ["<>"]);
  assertEquals(expand("%(x%(a))", { a: "1", x1: "deep" }), ["deep"]);
  assertEquals(expand("%(a + _)", { a: "1" }), ["1", "error"]);
});

Deno.test("expand() reports circles and chains that are too long", () => {
  assertEquals(expand("%(a)", { a: "%(b)", b: "%(a)" }), ["", "error"]);
  const chain = Object.fromEntries(
    Array.from({ length: 100 }, (_, index) => [`p${index}`, `%(p${index + 1})`]),
  );
  assertEquals(expand("%(p0)", chain), ["", "error"]);
});

Deno.test("expand() limits the length of a value", () => {
  const values: Record<string, string> = { p0: "x".repeat(1000) };
  for (let index = 1; index < 10; index++) {
    values[`p${index}`] = `%(p${index - 1})%(p${index - 1})`;
  }
  assertEquals(expand("%(p9)", values), ["", "error"]);
  assertEquals(expand("%(p6)", values)[0]?.length, 64_000);
});

Deno.test("expand() throws LimitError, when the values together are too long", () => {
  const scope = scopeOf({ a: "x".repeat(100_000) });
  const expander = new Expander(scope, true);
  assertThrows(() => {
    for (let index = 0; index < 200; index++) expander.expand("%(a)", { origin, matched: null });
  }, LimitError);
});

Deno.test("expand() needs no more than linear time for nested and unclosed parentheses", () => {
  const deep = "%(".repeat(50_000);
  assertEquals(expand(deep), [deep, "warning"]);
  assertEquals(expand(`${"%(".repeat(500)}a${")".repeat(500)}`, { a: "a" }), ["a"]);
});

Deno.test("Expander remembers which names were used", () => {
  const expander = new Expander(scopeOf({ a: "%(b)" }), true);
  expander.expand("%(a) %(c) %(_)", { origin, matched: "it" });
  assertEquals([...expander.used], ["a", "b", "c"]);
});

Deno.test("Expander blames the directive, when entries are still missing", () => {
  const scope = scopeOf({ a: "%(later)" });
  new Expander(scope, false).expand("%(a)", { origin: { file: "a.ini", line: 9 }, matched: null });
  assertEquals(scope.problems.sorted([]).map(({ message }) => message), [
    "%(later) at a.ini:9 is not defined above that line and stays as it is",
  ]);
});
