/** For whom the master waits, in words. */
import { assertEquals } from "@std/assert";
import type { TimedEvent } from "../../../lib/core/event.ts";
import { waitingFor } from "../../../lib/core/leavers.ts";
import { type MasterState, nextDeadline } from "../../../lib/core/state.ts";
import { step } from "../../../lib/core/step.ts";
import { ofType } from "../../helpers/effects.ts";
import { slotOf, stateOf, workerOf } from "../../helpers/master_state.ts";

const NOBODY = { requests: 0, idle: 0, lasting: 0 };

function leaving(part: Partial<MasterState> = {}): MasterState {
  const workers = [1, 2].map((slot) =>
    workerOf({ id: slot, slot, pid: 100 + slot, state: "retiring", deadline: 60_000 })
  );
  const slots = [1, 2].map((number) => slotOf({ number }));
  return stateOf({ phase: "stopping", workers, slots, ...part });
}

/** The last state, and the lines in between. */
function play(state: MasterState, events: readonly TimedEvent[]) {
  const lines: string[] = [];
  for (const event of events) {
    const next = step(state, event);
    state = next.state;
    lines.push(...ofType(next.effects, "log").map(({ text }) => text));
  }
  return { state, lines };
}

const waiting = (at: number, worker: number, some: Partial<typeof NOBODY>, leftMs: number) =>
  ({ type: "waiting", at, worker, ...NOBODY, ...some, leftMs }) as const;

Deno.test("a stop says for whom it waits, when all workers had the time to say it, and again", () => {
  const { state, lines } = play(leaving(), [
    waiting(1_000, 1, { idle: 1 }, 900),
    waiting(1_020, 2, { requests: 2, lasting: 1 }, 1e12),
    { type: "tick", at: 1_099 },
    { type: "tick", at: 1_100 },
    waiting(2_000, 1, { idle: 2 }, 500),
  ]);
  assertEquals(lines, [
    "Waiting for 1 idle connection of worker 1, 2 requests and 1 WebSocket or event stream of worker 2, " +
    "58.9 s at most; a second stop (Ctrl-C, SIGTERM) ends it now",
  ]);
  assertEquals(nextDeadline(state), 11_100);
  const later = play(state, [{ type: "tick", at: 11_100 }]);
  assertEquals(later.lines.length, 1);
});

Deno.test("a reload that waits says for whom, and nobody is told who does not wait", () => {
  const request = { kind: "chain", brutal: false, program: false, tickets: [] } as const;
  const events: readonly TimedEvent[] = [
    waiting(1_000, 1, { idle: 3 }, 4_000),
    { type: "tick", at: 1_100 },
  ];
  const state = leaving({ phase: "running", generation: 2 });
  const alone = play({ ...state, settings: { ...state.settings, processes: 0 } }, events);
  assertEquals(alone.lines, []);
  const queued = { ...state, queued: request, settings: { ...state.settings, processes: 0 } };
  assertEquals(play(queued, events).lines, [
    "The next reload waits for 3 idle connections of worker 1, 3.9 s at most; kill -KILL 101 ends it now",
  ]);
});

Deno.test("what a worker that stays or has gone says of its clients counts for nothing", () => {
  const workers = [workerOf({ id: 1 })];
  const { state } = play(stateOf({ workers }), [waiting(1_000, 1, { idle: 1 }, 900)]);
  assertEquals([waitingFor(state, 1_000), nextDeadline(state)], [null, null]);
});
