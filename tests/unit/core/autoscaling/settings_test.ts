import { assertEquals } from "@std/assert";
import { adjusted, initialWorkers } from "../../../../lib/core/autoscaling/settings.ts";
import { SETTINGS } from "../../../helpers/scaling.ts";

Deno.test("initialWorkers() is cheaper-initial, else cheaper, else everybody", () => {
  const initial = (cheaper: number, initial: number) =>
    initialWorkers({ ...SETTINGS, cheaper, initial }, 4);
  assertEquals([initial(2, 0), initial(2, 3), initial(2, 1), initial(2, 9)], [2, 3, 2, 4]);
  assertEquals([initial(0, 0), initial(0, 2)], [4, 4]);
});

Deno.test("adjusted() stays within the limits", () => {
  const settings = { ...SETTINGS, cheaper: 2 };
  assertEquals([1, -1, 9, -9].map((by) => adjusted(settings, 6, 4, by)), [5, 3, 6, 2]);
  assertEquals(adjusted(settings, 6, 0, 1), 2);
});
