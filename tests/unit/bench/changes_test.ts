/** How benches change an instance over and over. */
import { assertEquals } from "@std/assert";
import { Changes } from "../../../bench/changes.ts";
import { numberAfter } from "../../../bench/situations.ts";

Deno.test("Changes makes one change after the other, adds up what they count, and lets the last finish", async () => {
  const rounds: number[] = [];
  const third = Promise.withResolvers<void>();
  const changes = new Changes(async (round) => {
    rounds.push(round);
    if (round === 2) third.resolve();
    await new Promise((resolve) => setTimeout(resolve));
    return 4;
  });
  await third.promise;
  await changes.stop();
  assertEquals([rounds, changes.count, changes.error], [[0, 1, 2], 12, null]);
});

Deno.test("Changes ends with the first change that fails, and keeps why", async () => {
  const changes = new Changes((round) =>
    round === 1 ? Promise.reject(new Error("gone")) : Promise.resolve(1)
  );
  while (changes.error === null) await new Promise((resolve) => setTimeout(resolve));
  await changes.stop();
  assertEquals([changes.count, changes.error?.message], [1, "gone"]);
});

Deno.test("numberAfter() goes round, and the start is the end of a round", () => {
  assertEquals([-1, 0, 1, 2, 3].map(numberAfter), [4, 2, 6, 4, 2]);
});
