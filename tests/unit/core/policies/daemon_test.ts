/** What is done about daemons with a pidfile. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  nextDaemonAction,
  type SmartAction,
  UNKNOWN,
} from "../../../../lib/core/policies/daemon.ts";

/** The actions for looks one second apart. */
function actions(alive: readonly boolean[], patienceMs = 3_000): SmartAction[] {
  let state = UNKNOWN;
  return alive.map((one, second) => {
    const look = nextDaemonAction(state, one, second * 1000, patienceMs, 30_000);
    state = look.state;
    return look.action;
  });
}

const [yes, no] = [true, false];

Deno.test("nextLookMs() starts nothing, when the daemon is there already", () => {
  assertEquals(actions([yes, yes, yes]), ["appeared", "nothing", "nothing"]);
});

Deno.test("nextLookMs() starts the daemon once, and waits for its pidfile", () => {
  assertEquals(actions([no, no, yes, yes]), ["start", "nothing", "appeared", "nothing"]);
});

Deno.test("nextLookMs() starts it again, when it is gone", () => {
  assertEquals(actions([yes, no, no, yes]), ["appeared", "gone", "start", "appeared"]);
});

Deno.test("nextLookMs() starts it again later, when its pidfile never names it", () => {
  assertEquals(actions([no, no, no, no, no]), ["start", "nothing", "nothing", "late", "start"]);
});

Deno.test("nextLookMs() starts it ever more rarely, when it keeps dying", () => {
  const started = actions(Array(600).fill(no), 1_000).flatMap((action, second) =>
    action === "start" ? [second] : []
  );
  const pauses = started.slice(1).map((second, i) => second - (started[i] ?? 0));
  assert(pauses.every((pause, i) => i === 0 || pause >= (pauses[i - 1] ?? 0)), pauses.join());
  assertEquals(pauses.at(-1), 31);
});

Deno.test("nextLookMs() never starts a daemon that is there, or that was just started", () => {
  fc.assert(fc.property(fc.array(fc.boolean()), (looks) => {
    const done = actions(looks);
    for (const [i, action] of done.entries()) {
      if (action !== "start") continue;
      assert(!looks[i]);
      assert(!done.slice(Math.max(0, i - 2), i).includes("start"));
    }
  }));
});
