import { assertEquals } from "@std/assert";
import { COMMAND_LINE, ENVIRONMENT, formatOrigin, Problems } from "../../../lib/config/problem.ts";

Deno.test("Problems.sorted() goes from environment and command line to the files, by line", () => {
  const problems = new Problems();
  problems.error({ file: "b.ini", line: 1 }, "five");
  problems.warning({ file: "a.ini", line: 10 }, "four");
  problems.error({ file: "a.ini", line: 9 }, "three");
  problems.error({ file: COMMAND_LINE, line: 1 }, "two");
  problems.error({ file: ENVIRONMENT, line: 7 }, "one");
  assertEquals(problems.sorted(["a.ini", "b.ini"]).map(({ message }) => message), [
    "one",
    "two",
    "three",
    "four",
    "five",
  ]);
});

Deno.test("Problems counts the same message at the same place once", () => {
  const problems = new Problems();
  for (const line of [1, 1, 2]) problems.warning({ file: "a.ini", line }, "same");
  assertEquals(problems.sorted([]).length, 2);
});

Deno.test("Problems.fatal is true, when there is an error", () => {
  const problems = new Problems();
  problems.warning({ file: "a.ini", line: 1 }, "mild");
  assertEquals(problems.fatal, false);
  problems.error({ file: "a.ini", line: 1 }, "bad");
  assertEquals(problems.fatal, true);
});

Deno.test("formatOrigin() shows file and line, but no line for the environment", () => {
  assertEquals(formatOrigin({ file: "app.ini", line: 3 }), "app.ini:3");
  assertEquals(formatOrigin({ file: ENVIRONMENT, line: 3 }), ENVIRONMENT);
});
