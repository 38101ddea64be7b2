import { assertEquals, assertThrows } from "@std/assert";
import { LOOPS } from "../../../lib/config/loops.ts";

function items(name: string, argument: string, text = ""): string[] {
  const loop = LOOPS.find((one) => one.name === name);
  if (loop === undefined) throw new Error(`There is no ${name}`);
  const glob = (pattern: string) => [`${pattern}1`, `${pattern}2`];
  return [...loop.items(argument, { read: () => text, glob })];
}

Deno.test("for goes through words", () => {
  assertEquals(items("for", " a  b\tc "), ["a", "b", "c"]);
  assertEquals(items("for", ""), []);
});

Deno.test("for-times counts from 1", () => {
  assertEquals(items("for-times", "3"), ["1", "2", "3"]);
  assertEquals(items("for-times", "0"), []);
  for (const wrong of ["", "-1", "x", "1.5", "9999999999"]) {
    assertThrows(() => items("for-times", wrong), SyntaxError, "whole number");
  }
});

Deno.test("for-glob goes through the paths that match", () => {
  assertEquals(items("for-glob", "x"), ["x1", "x2"]);
});

Deno.test("for-readline goes through lines that are not blank", () => {
  assertEquals(items("for-readline", "f", "one\r\n\n  two\nthree"), ["one", "two", "three"]);
});
