/**
 * Finds what a test looks for among the effects of a master.
 *
 * @module
 */
import type { Effect } from "../../lib/core/event.ts";

/** The effects of one type. */
export function ofType<T extends Effect["type"]>(
  effects: readonly Effect[],
  type: T,
): readonly Extract<Effect, { readonly type: T }>[] {
  return effects.filter((effect): effect is Extract<Effect, { readonly type: T }> =>
    effect.type === type
  );
}

/** The fields of the log lines with this event. */
export function logged(
  effects: readonly Effect[],
  event: string,
): readonly Readonly<Record<string, unknown>>[] {
  return ofType(effects, "log").map(({ fields }) => fields).filter((fields) =>
    fields.event === event
  );
}

/** The signals that were sent, as `worker signal`. */
export function signals(effects: readonly Effect[]): readonly string[] {
  return ofType(effects, "signal").map(({ worker, signal }) => `${worker} ${signal}`);
}

/** The slots in which a process was started, with its generation: `2: g1`. */
export function spawns(effects: readonly Effect[]): readonly string[] {
  return ofType(effects, "spawn").map(({ slot, generation }) => `${slot}: g${generation}`);
}
