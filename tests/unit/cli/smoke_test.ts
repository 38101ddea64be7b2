import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../../lib/errors.ts";
import { pathOf } from "../../../lib/cli/smoke.ts";

Deno.test("a smoke run asks for /, for the path that was given, or only connects", () => {
  assertEquals(pathOf(undefined), "/");
  assertEquals(pathOf("/health?deep=1"), "/health?deep=1");
  assertEquals(pathOf("connect"), null);
});

Deno.test("what cannot stand in a request is refused", () => {
  for (const path of ["", "health", "/a b", "/a\r\nHost: x", "/ä"]) {
    assertThrows(() => pathOf(path), UserError, "--smoke expects a path");
  }
});
