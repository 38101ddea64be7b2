/** Printed lines that belong together. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Records, recordsOf } from "../../../lib/log/records.ts";

const ERROR = [
  "error: Uncaught Error: boom",
  'throw new Error("boom");',
  "      ^",
  "    at file:///srv/app.ts:1:7",
  "",
  "    at other (file:///srv/app.ts:2:7)",
  "Caused by: Error: no database",
  "    at file:///srv/db.ts:9:1",
];

Deno.test("recordsOf() makes one record of an error with its stack", () => {
  assertEquals(recordsOf(["before", ...ERROR, "", "after"]), ["before", ERROR.join("\n"), "after"]);
  assertEquals(recordsOf(["  indented", "x"]), ["  indented", "x"]);
  assertEquals(recordsOf([]), []);
  const coloured = [
    "\x1b[0m\x1b[1m\x1b[31merror\x1b[0m: Uncaught Error",
    "source",
    "  ^",
    "    at x",
  ];
  assertEquals(recordsOf([...coloured, "after"]), [coloured.join("\n"), "after"]);
});

Deno.test("recordsOf() cuts what never ends, and loses no line that says something", () => {
  const many = ["begin", ...Array.from({ length: 1200 }, (_, i) => `  ${i}`)];
  const records = recordsOf(many);
  assertEquals(records.map((record) => record.split("\n").length), [500, 500, 201]);
  fc.assert(
    fc.property(fc.array(fc.constantFrom("a", "  b", "\tc", "", "Caused by: d")), (lines) => {
      const said = (all: readonly string[]) => all.filter((line) => line !== "");
      assertEquals(said(recordsOf(lines).flatMap((record) => record.split("\n"))), said(lines));
    }),
  );
});

Deno.test("Records puts lines together as they come, and waits for the next ones only shortly", async () => {
  const taken: string[] = [];
  const records = new Records((record) => taken.push(record));
  for (const line of ["a", "  b", "c"]) records.line(line);
  assertEquals(taken, ["a\n  b"]);
  records.end();
  records.end();
  assertEquals(taken, ["a\n  b", "c"]);
  const last = Promise.withResolvers<string>();
  new Records(last.resolve).line("d");
  // What waits keeps no process alive.
  const timer = setInterval(() => {}, 1000);
  assertEquals(await last.promise, "d");
  clearInterval(timer);
});
