/**
 * Runs in the master. Goes on with the workers of the program that was here before, see `exec_master.ts`.
 *
 * @module
 */

import type { Libc } from "../../system/libc.ts";
import { AdoptedProcess } from "../workers/adopted_process.ts";
import type { WorkerPool } from "../workers/worker_pool.ts";
import { listenAgain } from "./exec_master.ts";
import type { Handover } from "../handover.ts";
import type { RunConfig } from "../run_config.ts";

/** Takes the workers over, answers those who have called, and lets the signals come that waited meanwhile. */
export function takeOver(
  c: Libc,
  { inheritance, credentials }: Handover,
  pool: WorkerPool,
  instruction: RunConfig,
): void {
  for (const worker of inheritance.workers) {
    const { id, pid } = worker;
    const known = credentials[id];
    if (pid === null || known === undefined) continue;
    pool.adopt(worker, new AdoptedProcess(c, pid), known, instruction);
  }
  listenAgain(c);
}
