/**
 * Runs in the master. The effects that the core asks for: as messages to workers, in words, and what is told
 * when one cannot be done.
 *
 * @module
 */

import type { Effect } from "../core/event.ts";
import type { MasterState } from "../core/state.ts";
import type { Verdict } from "../core/verdict.ts";
import type { MasterMessage } from "../protocol/message.ts";

type EffectOf<T extends Effect["type"]> = Extract<Effect, { readonly type: T }>;

/**
 * What a worker is told.
 *
 * @param outgoing Addresses of sockets that are configured no more.
 */
export function orderOf(
  effect: EffectOf<"retire" | "standBy" | "recall" | "cover">,
  outgoing: readonly string[],
): MasterMessage {
  switch (effect.type) {
    case "retire": {
      const { reason, mercyMs } = effect;
      return { type: "retire", reason, mercyMs, closing: outgoing };
    }
    case "standBy":
      return { type: "standBy", drain: effect.drain, keep: outgoing };
    case "recall":
      return { type: "recall" };
    case "cover":
      return { type: "cover", slots: effect.slots };
  }
}

const DEEDS: Readonly<Record<Effect["type"], string>> = {
  spawn: "start a worker",
  retire: "tell a worker to leave",
  standBy: "tell a worker to stand by",
  recall: "tell a worker to accept again",
  signal: "send a signal to a worker",
  cover: "tell a worker whom to stand in for",
  lookAtSockets: "look at the sockets",
  readConfiguration: "read the configuration again",
  execMaster: "replace the master's program",
  closeSockets: "close the sockets",
  confirm: "use the new generation",
  ready: "say that the instance is ready",
  log: "log",
  verdict: "tell an operator the verdict",
  exit: "end",
};

/** An effect in words, behind "Cannot". */
export function effectName({ type }: Effect): string {
  return DEEDS[type];
}

/** What whoever waits for something is told that could not even be begun. */
export function failure({ generation }: MasterState, text: string): Verdict {
  return { outcome: "failed", generation, tookMs: 0, slots: [], failures: [], text };
}
