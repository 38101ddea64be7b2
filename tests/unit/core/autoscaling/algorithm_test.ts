import { assertEquals } from "@std/assert";
import {
  fitsWithoutOne,
  type LoadSample,
  stay,
  totalLoad,
} from "../../../../lib/core/autoscaling/algorithm.ts";
import { manual } from "../../../../lib/core/autoscaling/manual.ts";
import { SETTINGS } from "../../../helpers/scaling.ts";

function view(loads: readonly number[]): LoadSample {
  return { workers: loads.length, most: 9, loads, queue: 0, settings: SETTINGS };
}

Deno.test("stay() wants what there is, and has a note only if there is one", () => {
  assertEquals(stay(view([1, 1]), manual), { workers: 2, why: "", next: manual });
  assertEquals(stay(view([1]), manual, "x"), { workers: 1, why: "", note: "x", next: manual });
});

Deno.test("totalLoad() adds up, fitsWithoutOne() asks whether the others could carry it", () => {
  assertEquals([totalLoad(view([])), totalLoad(view([0.25, 0.75]))], [0, 1]);
  assertEquals(fitsWithoutOne(view([0.25, 0.25]), 0.5), true);
  assertEquals(fitsWithoutOne(view([0.25, 0.5]), 0.5), false);
  assertEquals(fitsWithoutOne(view([0]), 0.5), false);
});
