/** What is where in shared memory. */
import { assertEquals, assertThrows } from "@std/assert";
import { tableOf } from "../../../lib/shared_memory/memory_layout.ts";

Deno.test("tableOf() has its own entries and no others, and keeps them", () => {
  const table: Readonly<Record<string, number>> = tableOf({ a: 1, b: 2 });
  Reflect.set(Object.prototype, "c", 3);
  try {
    assertEquals(["a", "b", "c", "toString", "__proto__"].map((name) => table[name]), [
      1,
      2,
      undefined,
      undefined,
      undefined,
    ]);
    assertThrows(() => Object.assign(table, { a: 5 }), TypeError);
    assertEquals(Reflect.set(table, "d", 4), false);
  } finally {
    Reflect.deleteProperty(Object.prototype, "c");
  }
});
