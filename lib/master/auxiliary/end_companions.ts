/**
 * Runs in the master. The end of what runs beside the workers.
 *
 * @module
 */

import type { MasterOutcome, TimedEvent } from "../../core/event.ts";
import type { EventQueue } from "../event_queue.ts";
import type { LazyCompanions } from "./lazy_companions.ts";

/**
 * Ends what runs beside the workers; these may need it until they are gone. A further stop meanwhile is
 * one without mercy, as it is for workers.
 */
export async function endCompanions(
  companions: LazyCompanions,
  queue: EventQueue<TimedEvent>,
  outcome: MasterOutcome,
): Promise<MasterOutcome> {
  let killed = outcome === "killed";
  if (killed) companions.kill();
  const stopped = companions.stop();
  const listen = async () => {
    while (true) {
      if ((await queue.next(null))?.type !== "stop") continue;
      killed = true;
      companions.kill();
    }
  };
  void listen();
  await stopped;
  return killed ? "killed" : outcome;
}
