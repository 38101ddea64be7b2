import { assertEquals, assertThrows } from "@std/assert";
import { Budget, LimitError, TextFiles } from "../../../../lib/config/ini/text_files.ts";
import { memorySource } from "../../../helpers/memory_source.ts";

Deno.test("TextFiles.read() reads each file once, and standard input as -", () => {
  let reads = 0;
  const source = {
    ...memorySource({ input: "typed" }),
    readTextFile: () => `text ${++reads}`,
  };
  const texts = new TextFiles(source);
  assertEquals(texts.read("a"), "text 1");
  assertEquals(texts.read("./x/../a"), "text 1");
  assertEquals(texts.read("b"), "text 2");
  assertEquals([texts.read("-"), texts.read("-")], ["typed", "typed"]);
});

Deno.test("TextFiles.read() says which file it cannot read and why", () => {
  const texts = new TextFiles(memorySource());
  const error = assertThrows(() => texts.read("none"), SyntaxError);
  assertEquals(error.message, 'cannot read "none": No such file or directory');
});

Deno.test("Allowance throws, when lines or characters are used up", () => {
  const allowance = new Budget();
  allowance.spendLines(20_000);
  assertThrows(() => allowance.spendLines(1), LimitError, "20000 lines");
  allowance.spendCharacters(16 * 1024 * 1024);
  assertThrows(() => allowance.spendCharacters(1), LimitError, "16 MiB");
});
