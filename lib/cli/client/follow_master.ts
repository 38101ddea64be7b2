/**
 * Waits for the end of a reload that replaced the master's program: the connection did not survive
 * that, the process did.
 *
 * @module
 */

import type { CommandAnswer, Request } from "../../control/message.ts";
import { decodeAnswer } from "../../control/message.ts";
import type { Status } from "../../control/status.ts";
import type { Verdict } from "../../core/verdict.ts";
import { Channel } from "../../protocol/channel.ts";
import { pause } from "../../system/timing.ts";

/** How often it asks (100 ms). */
const INTERVAL_MS = 100;
/** By then the new program has begun its reload (2 s). */
const BEGUN_MS = 2_000;
/** How long the new program may take to answer (60 s). */
const ANSWER_MS = 60_000;

/**
 * What came of it: done when a generation after `generation` has proved itself. Null: the master does
 * not answer any more.
 */
export async function followMaster(path: string, generation: number): Promise<Verdict | null> {
  const startedAt = performance.now();
  let heard = startedAt;
  while (performance.now() - heard < ANSWER_MS) {
    const status = await statusAt(path);
    if (status !== null) heard = performance.now();
    if (status !== null && isThrough(status, generation)) {
      const done = status.generation > generation;
      return {
        outcome: done ? "done" : runsEverywhere(status) ? "rolled-back" : "failed",
        generation: status.generation,
        tookMs: Math.round(performance.now() - startedAt),
        slots: [],
        failures: status.slots.flatMap(({ slot, lastFailure }) =>
          done || lastFailure === null ? [] : [{ slot, why: lastFailure }]
        ),
        text: "The master's program was replaced, and " +
          (done
            ? `every slot runs generation ${status.generation}`
            : `its workers did not start: generation ${status.generation} goes on, see the log`),
      };
    }
    await pause(INTERVAL_MS);
  }
  return null;
}

function isThrough(status: Status, generation: number): boolean {
  if (status.reload !== null || status.queued !== null) return false;
  return status.generation > generation || status.uptimeMs > BEGUN_MS;
}

/** True if every slot has a worker of the generation that is respawned. */
function runsEverywhere({ slots, processes, generation }: Status): boolean {
  return slots.slice(0, processes).every(({ workers }) =>
    workers.some((worker) => worker.state === "accepting" && worker.generation === generation)
  );
}

async function statusAt(path: string): Promise<Status | null> {
  let channel: Channel<CommandAnswer, Request> | null = null;
  try {
    channel = new Channel(await Deno.connect({ transport: "unix", path }), decodeAnswer);
    channel.send({ command: "status", argument: null, wait: false });
    const { value } = await channel.receive().next();
    return value?.type === "result" ? value.value as Status : null;
  } catch {
    // The new program has not come so far, or the master is gone.
    return null;
  } finally {
    channel?.close();
  }
}
