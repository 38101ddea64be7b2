/** Where what is counted of requests lies in counters. */
import { assertEquals } from "@std/assert";
import {
  add,
  type Count,
  COUNT_AT,
  COUNTER_CELLS,
  isCount,
  type List,
  LIST_AT,
  listLength,
} from "../../../lib/shared_memory/counters.ts";

Deno.test("every count and every place of a list has a cell of its own, and no cell is left over", () => {
  const counts = Object.values(COUNT_AT);
  const lists = (Object.keys(LIST_AT) as List[]).flatMap((list) =>
    Array.from({ length: listLength(list) }, (_, i) => LIST_AT[list] + i)
  );
  const cells = [...counts, ...lists].sort((a, b) => a - b);
  assertEquals(cells, Array.from({ length: COUNTER_CELLS }, (_, i) => i));
});

Deno.test("isCount() knows the names of counts, and nothing else", () => {
  for (const name of Object.keys(COUNT_AT) as Count[]) assertEquals(isCount(name), true);
  for (const name of ["pid", "latency", "toString", ""]) assertEquals(isCount(name), false);
});

Deno.test("add() adds to one cell, exactly also beyond 32 bits", () => {
  const counters = new Float64Array(COUNTER_CELLS);
  add(counters, COUNT_AT.sent, 5e12);
  add(counters, COUNT_AT.sent, 1);
  assertEquals(counters[COUNT_AT.sent], 5e12 + 1);
  assertEquals(counters.filter((value) => value !== 0).length, 1);
});
