/** The log of the master. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { configureLog, logLine } from "../../../lib/master/log.ts";

/** What is written while `use` runs; afterwards, nobody writes anywhere. */
function written(encoder: "text" | "json", use: () => void): readonly string[] {
  const lines: string[] = [];
  configureLog(encoder, (text) => void lines.push(text));
  try {
    use();
  } finally {
    configureLog(encoder, () => {});
  }
  return lines;
}

Deno.test("logLine() writes one line with time and level, when the encoder is text", () => {
  const [line = "", ...rest] = written("text", () => logLine("warning", "Hello", { event: "x" }));
  assertEquals(rest, []);
  assertMatch(line, /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{3}\S* .*warn.* Hello\n?$/i);
  assertEquals(line.trimEnd().includes("\n"), false);
});

Deno.test("logLine() writes one object with its fields, when the encoder is json", () => {
  const [line = "", ...rest] = written(
    "json",
    () => logLine("info", "Hello", { event: "x", worker: 2, failed: [{ slot: 1 }] }),
  );
  assertEquals(rest, []);
  const { message, level, properties } = JSON.parse(line) as Record<string, unknown>;
  assertEquals([message, level], ["Hello", "INFO"]);
  assertEquals(properties, { event: "x", worker: 2, failed: [{ slot: 1 }] });
});

Deno.test("logLine() keeps a message in one json line, when it has line ends in it", () => {
  const lines = written("json", () => logLine("error", "a\nb\r\nc", {}));
  assertEquals(lines.map((line) => line.trimEnd().split("\n").length), [1]);
});

Deno.test("logLine() writes lines of every level", () => {
  const lines = written("json", () => {
    logLine("info", "i", {});
    logLine("warning", "w", {});
    logLine("error", "e", {});
  });
  assertEquals(lines.map((line) => (JSON.parse(line) as { message: string }).message), [
    "i",
    "w",
    "e",
  ]);
});

Deno.test("logLine() takes the text as it is, when there are braces in it", () => {
  for (const text of ["Expected {a}", "{{b}}", "} {", "{event}"]) {
    const [line = ""] = written("json", () => logLine("error", text, { event: "x" }));
    assertEquals((JSON.parse(line) as { message: string }).message, text);
  }
});

Deno.test("configureLog() changes form and destination, when it is called again", () => {
  const first: string[] = [];
  configureLog("text", (text) => void first.push(text));
  const second = written("json", () => logLine("info", "x", {}));
  assertEquals([first.length, second.length], [0, 1]);
  assert(second[0]?.startsWith("{"));
});
