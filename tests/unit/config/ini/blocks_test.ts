import { assertEquals } from "@std/assert";
import { findBlocks, type Statement } from "../../../../lib/config/ini/blocks.ts";
import type { SettingLine } from "../../../../lib/config/ini/entry.ts";
import { Problems } from "../../../../lib/config/problem.ts";

/** Blocks as nested lists: `[opener, body, otherwise]`. */
function shape(statements: readonly Statement[]): unknown[] {
  return statements.map((statement) => {
    if (statement.kind === "plain") return statement.line.key;
    const body = shape(statement.body);
    if (statement.kind === "loop") return [statement.line.key, body];
    const opener = statement.negated ? `not ${statement.condition.name}` : statement.line.key;
    return [opener, body, shape(statement.otherwise)];
  });
}

function find(keys: string): { blocks: unknown[]; problems: string[] } {
  const lines = keys.split(" ").map((key, index): SettingLine => ({
    key,
    value: "x",
    origin: { file: "a.ini", line: index + 1 },
  }));
  const problems = new Problems();
  const blocks = shape(findBlocks(lines, problems));
  return { blocks, problems: problems.sorted([]).map(({ message }) => message) };
}

Deno.test("findBlocks() nests conditions and loops", () => {
  assertEquals(find("a if-env b for c if-not-env d else e endif endfor endif f"), {
    blocks: ["a", [
      "if-env",
      ["b", ["for", ["c", ["not if-env", ["d"], ["e"]]]]],
      [],
    ], "f"],
    problems: [],
  });
});

Deno.test("findBlocks() knows the other names of closers and conditions", () => {
  assertEquals(find("ifdir a end-if for-times b end-for"), {
    blocks: [["ifdir", ["a"], []], ["for-times", ["b"]]],
    problems: [],
  });
});

Deno.test("findBlocks() reports closers without block, and goes on", () => {
  assertEquals(find("endif a endfor b else c"), {
    blocks: ["a", "b", "c"],
    problems: [
      '"endif" at a.ini:1 closes nothing: remove it',
      '"endfor" at a.ini:3 closes nothing: remove it',
      '"else" at a.ini:5 belongs to no condition: remove it',
    ],
  });
});

Deno.test("findBlocks() reports blocks without closer at the line that opens them", () => {
  assertEquals(find("if-env a for b"), {
    blocks: [["if-env", ["a", ["for", ["b"]]], []]],
    problems: [
      '"if-env" at a.ini:1 is not closed: write endif = below its lines',
      '"for" at a.ini:3 is not closed: write endfor = below its lines',
    ],
  });
});

Deno.test("findBlocks() closes what is open inside, when an outer block ends", () => {
  assertEquals(find("for a if-env b endfor c"), {
    blocks: [["for", ["a", ["if-env", ["b"], []]]], "c"],
    problems: ['"if-env" at a.ini:3 is not closed: write endif = below its lines'],
  });
});

Deno.test("findBlocks() takes one else per condition, and none in a loop", () => {
  assertEquals(find("if-env a else b else c endif for else endfor").problems, [
    '"else" at a.ini:5 belongs to no condition: remove it',
    '"else" at a.ini:9 belongs to no condition: remove it',
  ]);
});

Deno.test("findBlocks() leaves out the lines of unknown and of too deep blocks", () => {
  assertEquals(find("if-moon a endif for-ever b endfor c"), {
    blocks: ["c"],
    problems: [
      '"if-moon" at a.ini:1 is unknown: see --help for those that exist',
      '"for-ever" at a.ini:4 is unknown: see --help for those that exist',
    ],
  });
  const deep = find(`${"for ".repeat(17)}a ${"endfor ".repeat(17)}b`);
  assertEquals(deep.problems, ['"for" at a.ini:17 is nested too deeply: 16 levels are possible']);
  assertEquals(deep.blocks.at(-1), "b");
});
