/** What a service manager is told, turn by turn. */
import { assertEquals } from "@std/assert";
import type { MasterState, Reload, ReloadRequest } from "../../../../lib/core/state.ts";
import {
  NOTHING_NOTIFIED,
  type Notification,
  notifications,
  type NotifiedState,
} from "../../../../lib/master/service_manager/notifications.ts";
import { stateOf, workerOf } from "../../../helpers/master_state.ts";

const READY = stateOf({ ready: true, workers: accepting(1, 2, 3, 4) });
const KNOWN: NotifiedState = {
  phase: "ready",
  status: "4 of 4 workers accept, generation 1",
  failure: "",
};

function accepting(...slots: readonly number[]) {
  return slots.map((slot) => workerOf({ id: slot, slot }));
}

function reloadOf(part: Partial<Reload> = {}): Reload {
  return {
    kind: "chain",
    brutal: false,
    tickets: [],
    generation: 2,
    startedAt: 0,
    rollback: true,
    exec: "no",
    oldPids: {},
    pending: [],
    starting: [],
    done: [],
    failed: [],
    verifiedAt: null,
    ending: false,
    ...part,
  };
}

const WAITING: ReloadRequest = { kind: "all", brutal: false, program: false, tickets: [] };

/** A state after a reload that ended so. */
function ended(outcome: "done" | "failed", why: string): MasterState {
  const end = { kind: "all", outcome, generation: 2, at: 0, tookMs: 5, text: "", why } as const;
  return { ...READY, reloadEnds: [end] };
}

/** Goes through these states in order; the messages of each turn, without their time limits. */
function tell(
  told: NotifiedState,
  ...turns: readonly (readonly [state: MasterState])[]
): { readonly told: NotifiedState; readonly messages: readonly Notification[][] } {
  let before = turns[0]?.[0] ?? READY;
  const messages: Notification[][] = [];
  for (const [state] of turns) {
    const news = notifications(told, before, state, Deno.pid);
    messages.push(news.messages.map(({ EXTEND_TIMEOUT_USEC: _, ...message }) => message));
    told = news.told;
    before = state;
  }
  return { told, messages };
}

Deno.test("notifications() says READY only when every slot has had an accepting worker", () => {
  const { messages } = tell(
    NOTHING_NOTIFIED,
    [stateOf({ phase: "starting" })],
    [stateOf({ workers: accepting(2) })],
    [stateOf({ workers: accepting(2) })],
    [READY],
    [READY],
  );
  assertEquals(messages, [
    [{ STATUS: "Starting: 0 of 4 workers accept" }],
    [{ STATUS: "Starting: 1 of 4 workers accept" }],
    [],
    [{
      READY: "1",
      MAINPID: String(Deno.pid),
      STATUS: "4 of 4 workers accept, generation 1",
    }],
    [],
  ]);
});

Deno.test("notifications() says RELOADING at the begin of a reload, READY at its end", () => {
  const { messages } = tell(
    KNOWN,
    [{ ...READY, reload: reloadOf({ starting: [1], pending: [2, 3, 4] }) }],
    [{ ...READY, reload: reloadOf({ done: [1], starting: [2], pending: [3, 4] }) }],
    [{ ...READY, reload: reloadOf({ done: [1, 2, 3, 4] }) }],
    [{ ...ended("done", ""), generation: 2 }],
  );
  assertEquals(messages, [
    [{ RELOADING: "1", STATUS: "Reloading: slot 1 of 4" }],
    [{ STATUS: "Reloading: slot 2 of 4" }],
    [{ STATUS: "Reloading: 4 of 4 slots have a new worker" }],
    [{ READY: "1", STATUS: "4 of 4 workers accept, generation 2" }],
  ]);
});

Deno.test("notifications() says READY also when a reload failed, and why until the next one is done", () => {
  const { messages, told } = tell(
    KNOWN,
    [{ ...READY, reload: reloadOf({ kind: "all" }) }],
    [{ ...READY, reload: reloadOf({ kind: "all", starting: [2], done: [1] }) }],
    [ended("failed", "worker 2 exited: SyntaxError:\n here")],
    [{ ...READY, workers: accepting(1, 2, 3) }],
  );
  const why = "Last reload failed: worker 2 exited: SyntaxError: here";
  assertEquals(messages, [
    [{ RELOADING: "1", STATUS: "Reloading: reading the configuration" }],
    [{ STATUS: "Reloading: 1 of 2 slots have a new worker" }],
    [{ READY: "1", STATUS: `4 of 4 workers accept, generation 1. ${why}` }],
    [{ STATUS: `3 of 4 workers accept, generation 1. ${why}` }],
  ]);
  const next = tell(
    told,
    [{ ...READY, reload: reloadOf({ starting: [1] }) }],
    [ended("done", "")],
  );
  assertEquals(next.messages[1], [{ READY: "1", STATUS: "4 of 4 workers accept, generation 1" }]);
});

Deno.test("notifications() answers a reload that has to wait at once, and is ready after the last one", () => {
  const first = reloadOf({ starting: [1] });
  const second = reloadOf({ generation: 3, starting: [1] });
  const { messages } = tell(
    KNOWN,
    [{ ...READY, reload: first }],
    [{ ...READY, reload: first, queued: WAITING }],
    [{ ...ended("done", ""), queued: WAITING }],
    [{ ...READY, reload: second }],
    [ended("done", "")],
  );
  const waits = "Reloading as soon as the workers of the last reload have left";
  assertEquals(messages, [
    [{ RELOADING: "1", STATUS: "Reloading: slot 1 of 1" }],
    [{ RELOADING: "1", STATUS: "Reloading: slot 1 of 1" }],
    [{ STATUS: waits }],
    [{ STATUS: "Reloading: slot 1 of 1" }],
    [{ READY: "1", STATUS: "4 of 4 workers accept, generation 1" }],
  ]);
});

Deno.test("notifications() says READY before RELOADING, when a reload was asked for during the start", () => {
  const starting = stateOf({ queued: WAITING });
  const { messages } = tell(NOTHING_NOTIFIED, [starting], [{ ...READY, reload: reloadOf() }]);
  assertEquals(messages, [
    [{ STATUS: "Starting: 0 of 4 workers accept" }],
    [
      { READY: "1", MAINPID: String(Deno.pid) },
      { RELOADING: "1", STATUS: "Reloading: reading the configuration" },
    ],
  ]);
});

Deno.test("notifications() says STOPPING once, and how many workers are left", () => {
  const { messages } = tell(
    KNOWN,
    [{ ...READY, phase: "stopping" }],
    [{ ...READY, phase: "stopping", workers: accepting(3) }],
    [{ ...READY, phase: "killing", workers: accepting(3) }],
    [{ ...READY, phase: "killing", workers: [] }],
  );
  assertEquals(messages, [
    [{ STOPPING: "1", STATUS: "Stopping: 4 workers still finish" }],
    [{ STATUS: "Stopping: 1 worker still finishes" }],
    [{ STATUS: "Stopping: 1 worker killed" }],
    [{ STATUS: "Stopping" }],
  ]);
});

Deno.test("notifications() asks for as much time as the configuration gives", () => {
  const settings = {
    ...READY.settings,
    startTimeoutMs: 300_000,
    mercyMs: 100_000,
    verifyMs: 20_000,
  };
  const limit = (told: NotifiedState, state: Partial<MasterState>) =>
    notifications(told, READY, { ...READY, settings, ...state }, 1)
      .messages.at(-1)?.EXTEND_TIMEOUT_USEC;
  assertEquals(limit(NOTHING_NOTIFIED, { ready: false }), "310000000");
  assertEquals(limit(KNOWN, { reload: reloadOf() }), "430000000");
  assertEquals(limit(KNOWN, { phase: "stopping" }), "110000000");
  assertEquals(limit(KNOWN, { workers: [] }), undefined);
});

Deno.test("notifications() cuts what would not fit into a datagram", () => {
  const failed = ended("failed", "x".repeat(9_000));
  const { messages } = tell(KNOWN, [READY], [failed]);
  const length = messages[1]?.[0]?.STATUS?.length ?? 0;
  assertEquals(length > 500 && length < 600, true);
});
