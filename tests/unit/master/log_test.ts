/** The log of the master. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { entryWriter } from "../../../lib/log/encoder.ts";
import { configureLog, logLine } from "../../../lib/master/log.ts";

/** Writes objects. */
const object = entryWriter({ date: null, bare: false }, [{ name: "object", argument: "" }]);

/** What is written while `use` runs; afterwards, nobody writes anywhere. */
async function written(
  encoder: "text" | "json",
  use: () => void,
): Promise<readonly string[]> {
  const lines: string[] = [];
  // What somebody else has logged, before anybody was told where it goes, is not asked for here.
  await configureLog(() => true, null);
  await configureLog(
    (text) => lines.push(text) > 0,
    encoder === "text" ? null : (entries) => void lines.push(...entries.map(object)),
  );
  try {
    use();
  } finally {
    await configureLog(() => true, null);
  }
  return lines;
}

Deno.test("logLine() writes one line with time and level, when the encoder is text", async () => {
  const [line = "", ...rest] = await written(
    "text",
    () => logLine("warning", "Hello", { event: "x" }),
  );
  assertEquals(rest, []);
  assertMatch(line, /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{3}\S* .*warn.* Hello\n?$/i);
  assertEquals(line.trimEnd().includes("\n"), false);
});

Deno.test("logLine() writes one object with its fields, when the encoder is json", async () => {
  const [line = "", ...rest] = await written(
    "json",
    () => logLine("info", "Hello", { event: "x", worker: 2, failed: [{ slot: 1 }] }),
  );
  assertEquals(rest, []);
  const { message, level, properties } = JSON.parse(line) as Record<string, unknown>;
  assertEquals([message, level], ["Hello", "INFO"]);
  assertEquals(properties, { event: "x", worker: 2, failed: [{ slot: 1 }] });
});

Deno.test("logLine() keeps a message in one json line, when it has line ends in it", async () => {
  const lines = await written("json", () => logLine("error", "a\nb\r\nc", {}));
  assertEquals(lines.map((line) => line.trimEnd().split("\n").length), [1]);
});

Deno.test("logLine() writes lines of every level", async () => {
  const lines = await written("json", () => {
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

Deno.test("logLine() takes the text as it is, when there are braces in it", async () => {
  for (const text of ["Expected {a}", "{{b}}", "} {", "{event}"]) {
    const [line = ""] = await written("json", () => logLine("error", text, { event: "x" }));
    assertEquals((JSON.parse(line) as { message: string }).message, text);
  }
});

Deno.test("logLine() keeps what comes first, until configureLog() says where it goes", () => {
  const script = `import { configureLog, logLine } from "./lib/master/log.ts";
logLine("info", "first", {});
logLine("error", "second", {});
console.log("nothing yet");
await configureLog(() => true, ([entry]) => console.log(entry.text));
logLine("info", "third", {});`;
  const { stdout } = new Deno.Command(Deno.execPath(), { args: ["eval", script] }).outputSync();
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  assertEquals(lines, ["nothing yet", "first", "second", "third"]);
});

Deno.test("configureLog() changes form and destination, when it is called again", async () => {
  const first: string[] = [];
  await configureLog((text) => first.push(text) > 0, null);
  const second = await written("json", () => logLine("info", "x", {}));
  assertEquals([first.length, second.length], [0, 1]);
  assert(second[0]?.startsWith("{"));
});
