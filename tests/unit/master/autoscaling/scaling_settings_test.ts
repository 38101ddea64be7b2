import { assertEquals } from "@std/assert";
import { defaults } from "../../../../lib/config/resolve.ts";
import {
  needsMemory,
  scalingSettings,
  usesScaling,
  wantedAtStart,
} from "../../../../lib/master/autoscaling/scaling_settings.ts";
import { SETTINGS } from "../../../helpers/scaling.ts";

const CONFIG = defaults();

Deno.test("scalingSettings() has uWSGI's defaults", () => {
  assertEquals(scalingSettings({ ...CONFIG, cheaper: 1 }), SETTINGS);
});

Deno.test("usesScaling() is false for an instance with a fixed number of workers", () => {
  assertEquals([usesScaling(CONFIG), wantedAtStart(CONFIG, 4)], [false, null]);
  for (const part of [{ cheaper: 1 }, { cheap: true }, { idleMs: 1 }]) {
    assertEquals(usesScaling({ ...CONFIG, ...part }), true);
  }
});

Deno.test("needsMemory() is true, when a limit is to be kept", () => {
  assertEquals(needsMemory({ ...CONFIG, cheaper: 1 }), false);
  assertEquals(needsMemory({ ...CONFIG, cheaper: 1, cheaperRssLimitSoft: 1 }), true);
});

Deno.test("wantedAtStart() is nobody with cheap, else cheaper-initial, cheaper, or everybody", () => {
  const wanted = (part: Partial<typeof CONFIG>) => wantedAtStart({ ...CONFIG, ...part }, 4);
  assertEquals(wanted({ cheap: true, cheaper: 2 }), 0);
  assertEquals(wanted({ cheaper: 2, cheaperInitial: 3 }), 3);
  assertEquals(wanted({ cheaper: 2 }), 2);
  assertEquals(wanted({ idleMs: 5 }), 4);
});
