/**
 * The processes of a session whose leader is gone (setsid(2), proc(5)).
 *
 * @module
 */

/** Whoever starts processes faster than they are ended is not followed for ever. */
const MOST_ROUNDS = 10;

/**
 * Kills what is left of a session, until nobody is. Nothing happens while the leader is there: the number
 * may be that of another process by now.
 *
 * @returns The processes that were killed.
 */
export async function endSession(leader: number): Promise<readonly number[]> {
  const killed = new Set<number>();
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const members = await membersOf(leader);
    const fresh = members.filter((pid) => !killed.has(pid));
    if (members.includes(leader) || fresh.length === 0) break;
    for (const pid of fresh) {
      killed.add(pid);
      try {
        Deno.kill(pid, "SIGKILL");
      } catch {
        // It has ended, or it is another user's now.
      }
    }
  }
  return [...killed];
}

async function membersOf(leader: number): Promise<number[]> {
  const members: number[] = [];
  try {
    for await (const { name } of Deno.readDir("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      const stat = await Deno.readTextFile(`/proc/${name}/stat`).catch(() => "");
      if (isInSession(stat, leader)) members.push(Number(name));
    }
  } catch {
    // /proc cannot be read: nobody is known.
  }
  return members;
}

/** Reads /proc/PID/stat; true for a process of the session that is no zombie. */
export function isInSession(stat: string, leader: number): boolean {
  // The name in parentheses may hold anything, parentheses too.
  const [state, , , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state !== "Z" && session === String(leader);
}
