/** Telling the end of a thread of the parent from its death. */
import { assertEquals } from "@std/assert";
import { endAfter, type ParentWatch, stayWithParent } from "../../../lib/system/death_watch.ts";

/** A process whose parents are these, one after the other, and the alarms it sets. */
function watch(parents: readonly number[]): ParentWatch & { readonly alarms: number[] } {
  const left = [...parents];
  const alarms: number[] = [];
  return { parent: () => left.shift() ?? 1, alarm: (seconds) => alarms.push(seconds), alarms };
}

Deno.test("stayWithParent() takes back an alarm only while the parent lives", () => {
  const alive = watch([7, 7]);
  stayWithParent(alive, 7, 60);
  assertEquals(alive.alarms, [0]);
  const gone = watch([1]);
  stayWithParent(gone, 7, 60);
  assertEquals(gone.alarms, []);
});

Deno.test("stayWithParent() sets the alarm again that a death in between has set", () => {
  const dying = watch([7, 1]);
  stayWithParent(dying, 7, 61.5);
  assertEquals(dying.alarms, [0, 62]);
});

Deno.test("stayWithParent() takes back nothing once the process ends in any case", () => {
  const ending = watch([7, 7, 7, 7]);
  endAfter({ alarm: (seconds: number) => ending.alarms.push(seconds) }, 3);
  stayWithParent(ending, 7, 60);
  assertEquals(ending.alarms, [3]);
});
