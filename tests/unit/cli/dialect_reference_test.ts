import { assertEquals } from "@std/assert";
import { DIFFERENCES, INTRODUCTION, SYNTAX } from "../../../tools/dialect_reference.ts";
import { loadConfig } from "../../../lib/config/load.ts";
import { memorySource } from "../../helpers/memory_source.ts";

/** The INI files shown in a text. */
function examples(markdown: string): string[] {
  return [...markdown.matchAll(/^```ini\n([^]*?)^```$/gm)].map((match) => match[1] ?? "");
}

function load(text: string) {
  return loadConfig(
    ["a.ini"],
    memorySource({ files: { "a.ini": text, "/etc/app/key": "secret\n" } }),
  );
}

Deno.test("the dialect reference has examples that are read without a problem", () => {
  const texts = [INTRODUCTION, SYNTAX].flatMap(examples);
  assertEquals(texts.length, 2);
  for (const text of texts) assertEquals(load(text).problems, [], text);
});

Deno.test("the dialect reference shows placeholders that give what it promises", () => {
  const { config } = load(examples(SYNTAX)[0] ?? "");
  assertEquals(config?.sockets.map(({ text }) => text), [":8001", ":8002"]);
  assertEquals(config?.env, [["GREETING", "100% yours"], ["KEY", "secret"]]);
});

Deno.test("the dialect reference has tables with as many cells in each row", () => {
  for (const text of [SYNTAX, DIFFERENCES]) {
    const rows = text.split("\n").filter((line) => line.startsWith("|"));
    for (const row of rows) assertEquals(row.split(" | ").length, 2, row);
  }
});
