/** Who started whom, from what proc(5) says. */
import { assertEquals } from "@std/assert";
import { descendantsOf, lives, parentIn } from "../../../bench/process_tree.ts";

Deno.test("descendantsOf() finds children and theirs, and nobody else", () => {
  const parents = new Map([[2, 1], [10, 2], [11, 2], [20, 11], [30, 1], [31, 30]]);
  assertEquals(descendantsOf(2, parents), [10, 11, 20]);
  assertEquals(descendantsOf(20, parents), []);
});

Deno.test("parentIn() reads behind a name that may contain anything", () => {
  assertEquals(parentIn("12 (a (b) c) S 7 12 12 0 -1"), 7);
});

Deno.test("a process that has ended has no parent, although it was not waited for", () => {
  assertEquals(parentIn("12 (deno) Z 7 12 12 0 -1"), null);
  assertEquals([lives(Deno.pid), lives(2 ** 30)], [true, false]);
});
