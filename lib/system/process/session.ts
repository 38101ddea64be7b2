/**
 * What is left of a process that was the leader of a session: its session, and what is below it (setsid(2),
 * proc(5)).
 *
 * @module
 */

import { type KnownProcess, parseStat, type ProcessStat } from "./process_stat.ts";

/** Whoever starts processes faster than they are ended is not followed for ever. */
const MOST_ROUNDS = 10;

/**
 * Kills what is left of a session, and what is below it in other sessions, until nobody is. The session is
 * left alone while the leader is there: the number may be that of another process by now.
 *
 * @param known What was below the leader before it ended.
 * @returns The processes that were killed.
 */
export async function endSession(
  leader: number,
  known: readonly KnownProcess[],
): Promise<readonly number[]> {
  const doomed = [...known];
  const killed = new Set<number>();
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const left = leftOf(leader, doomed, await allProcesses());
    const fresh = left.filter(({ pid }) => !killed.has(pid));
    if (fresh.length === 0) break;
    for (const process of fresh) {
      doomed.push(process);
      killed.add(process.pid);
      try {
        Deno.kill(process.pid, "SIGKILL");
      } catch {
        // It has ended, or it is another user's now.
      }
    }
  }
  return [...killed];
}

async function allProcesses(): Promise<ProcessStat[]> {
  const all: ProcessStat[] = [];
  try {
    for await (const { name } of Deno.readDir("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      const stat = parseStat(await Deno.readTextFile(`/proc/${name}/stat`).catch(() => ""));
      if (stat !== null) all.push(stat);
    }
  } catch {
    // /proc cannot be read: nobody is known.
  }
  return all;
}

/** Which of all processes are of the session, are known, or are below one of these; without zombies. */
export function leftOf(
  leader: number,
  known: readonly KnownProcess[],
  all: readonly ProcessStat[],
): ProcessStat[] {
  const living = all.filter(({ state }) => state !== "Z");
  const isThere = living.some(({ pid }) => pid === leader);
  const starts = new Map(known.map(({ pid, startedAt }) => [pid, startedAt]));
  const left = living.filter(({ pid, session, startedAt }) =>
    (!isThere && session === leader) || starts.get(pid) === startedAt
  );
  const pids = new Set(left.map(({ pid }) => pid));
  for (const { pid: parent } of left) {
    for (const process of living) {
      if (process.parent !== parent || pids.has(process.pid)) continue;
      pids.add(process.pid);
      left.push(process);
    }
  }
  return left;
}
