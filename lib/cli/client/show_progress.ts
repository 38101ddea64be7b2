/**
 * Tells somebody who waits for a command what it waits for: asks the master, and writes a line to standard
 * error whenever that changes.
 *
 * @module
 */

import { printable } from "../../foreign_text.ts";
import type { Status } from "../../control/status.ts";
import { pause } from "../../system/timing.ts";
import { askOperator } from "./operator_call.ts";
import { progressOf } from "./progress.ts";

/** What takes no longer is told by its end (1 s). */
const PATIENCE_MS = 1000;
/** How often it asks (500 ms). */
const INTERVAL_MS = 500;

/** Begins to do so, until the signal is aborted; who cannot be asked is not waited for less. */
export function showProgress(path: string, ended: AbortSignal): void {
  void follow(path, ended);
}

async function follow(path: string, ended: AbortSignal): Promise<void> {
  await pause(PATIENCE_MS);
  let told: string | null = null;
  while (!ended.aborted) {
    const text = await progressAt(path);
    if (text !== null && text !== told && !ended.aborted) {
      console.error(`duwsgi: ${printable(text)}`);
      told = text;
    }
    await pause(INTERVAL_MS);
  }
}

/** Null: it waits for nothing, or is not to be asked, for example while its program is replaced. */
async function progressAt(path: string): Promise<string | null> {
  try {
    const answer = await askOperator(path, "status");
    return answer.type === "result" ? progressOf(answer.value as Status) : null;
  } catch {
    return null;
  }
}
