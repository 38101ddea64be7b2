/** How long a slot waits for its next worker. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  deathsInARow,
  LONGEST_PAUSE_MS,
  pauseBeforeRespawn,
  pauseOfSlot,
  STABLE_MS,
} from "../../../lib/core/restart_policy.ts";

Deno.test("pauseBeforeRespawn() doubles from 250 ms to 30 s, when a worker keeps dying", () => {
  const pauses = Array.from({ length: 12 }, (_, deaths) => pauseBeforeRespawn(deaths));
  assertEquals(pauses, [0, 0, 250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
});

Deno.test("pauseBeforeRespawn() never shrinks and never exceeds the longest pause", () => {
  fc.assert(fc.property(fc.nat(1_000_000), (deaths) => {
    const pause = pauseBeforeRespawn(deaths);
    assert(Number.isInteger(pause) && pause <= LONGEST_PAUSE_MS);
    assert(pauseBeforeRespawn(deaths + 1) >= pause);
  }));
});

Deno.test("deathsInARow() counts on, when the worker had lived less than the stable time", () => {
  assertEquals([0, 1, 7].map((before) => deathsInARow(before, STABLE_MS - 1)), [1, 2, 8]);
});

Deno.test("deathsInARow() begins anew, when the worker had lived for the stable time", () => {
  assertEquals([0, 1, 7].map((before) => deathsInARow(before, STABLE_MS)), [1, 1, 1]);
});

Deno.test("pauseOfSlot() is up to a quarter longer, and other for every slot of a small instance", () => {
  const pauses = Array.from({ length: 8 }, (_, i) => pauseOfSlot(6, i + 1));
  assertEquals(pauses[0], pauseBeforeRespawn(6));
  assertEquals(new Set(pauses).size, 8);
  for (const pause of pauses) assert(pause >= 4_000 && pause <= 5_000);
});
