/** How the end of a reload is told. */
import { assertEquals } from "@std/assert";
import { reportReload } from "../../../lib/core/reload_report.ts";
import { MOST_RELOAD_ENDS, type Reload } from "../../../lib/core/state.ts";
import { beginStep } from "../../../lib/core/step_context.ts";
import { ofType } from "../../helpers/effects.ts";
import { slotOf, stateOf, workerOf } from "../../helpers/master_state.ts";

const RELOAD: Reload = {
  kind: "chain",
  brutal: false,
  tickets: [3],
  generation: 2,
  startedAt: 1_000,
  rollback: true,
  exec: "no",
  oldPids: { 1: 11, 2: 12 },
  pending: [],
  starting: [],
  done: [1],
  failed: [{ slot: 2, why: "exited with code 1" }],
  verifiedAt: null,
  ending: true,
};

function context() {
  const workers = [workerOf({ pid: 21, generation: 2 }), workerOf({ id: 2, slot: 2, pid: 12 })];
  const slots = [1, 2, 3].map((number) => slotOf({ number }));
  return beginStep(stateOf({ workers, slots }), 3_500);
}

Deno.test("reportReload() says why it failed and which slot runs what, in log and verdict", () => {
  const one = context();
  reportReload(one, RELOAD, "failed");
  const text = "Chain reload failed after 2.5 s: worker 2 exited with code 1. " +
    "Slot 1 runs generation 2; slot 2 runs generation 1; slot 3 runs no worker";
  assertEquals(ofType(one.effects, "log").map((line) => [line.level, line.text]), [[
    "error",
    text,
  ]]);
  assertEquals(ofType(one.effects, "verdict"), [{
    type: "verdict",
    tickets: [3],
    verdict: {
      outcome: "failed",
      generation: 1,
      tookMs: 2_500,
      slots: [
        { slot: 1, oldPid: 11, newPid: 21 },
      ],
      failures: RELOAD.failed,
      text,
    },
  }]);
});

Deno.test("reportReload() remembers the last ends, the newest first, and counts all", () => {
  const one = context();
  for (let generation = 1; generation <= MOST_RELOAD_ENDS + 3; generation++) {
    reportReload(one, { ...RELOAD, generation, tickets: [] }, "done");
  }
  const { reloadEnds, reloadOutcomes } = one.state;
  assertEquals(reloadOutcomes, {
    done: MOST_RELOAD_ENDS + 3,
    "rolled-back": 0,
    failed: 0,
    cancelled: 0,
  });
  assertEquals(reloadEnds.length, MOST_RELOAD_ENDS);
  assertEquals(reloadEnds[0], {
    kind: "chain",
    outcome: "done",
    generation: MOST_RELOAD_ENDS + 3,
    at: 3_500,
    tookMs: 2_500,
    text: `Chain reload done in 2.5 s: every slot runs generation ${MOST_RELOAD_ENDS + 3}`,
    why: "",
  });
});

Deno.test("reportReload() gives the reason that no slot has, and no verdict when nobody waits", () => {
  const one = context();
  reportReload(one, { ...RELOAD, tickets: [], failed: [] }, "failed", "the port is taken");
  assertEquals(ofType(one.effects, "log")[0]?.text, "Chain reload failed: the port is taken");
  assertEquals(ofType(one.effects, "verdict"), []);
});
