/**
 * Whether a process that is known by its number only is there, and since when (proc(5)).
 *
 * @module
 */

/** Clock ticks per second in /proc, the same on every Linux that Deno runs on. */
const TICKS_PER_SECOND = 100;

/** True for a live process, whoever's it is. One that has ended and was not waited for is not alive. */
export function isAlive(pid: number): boolean {
  if (stateOf(pid)?.state === "Z") return false;
  try {
    // The type knows names only; 0 is kill(2)'s way to ask whether it could be sent.
    Deno.kill(pid, 0 as unknown as Deno.Signal);
    return true;
  } catch (error) {
    return error instanceof Deno.errors.PermissionDenied;
  }
}

/** When a process was started, in milliseconds since the epoch; null: it is not there, or not visible. */
export function startedAt(pid: number): number | null {
  const started = stateOf(pid)?.startTicks;
  const uptime = Number(read("/proc/uptime")?.split(" ")[0] ?? NaN);
  if (started === undefined || !Number.isFinite(uptime)) return null;
  const ageMs = (uptime - started / TICKS_PER_SECOND) * 1000;
  return Date.now() - ageMs;
}

/** Fields of /proc/PID/stat; the name before them may have spaces and parentheses. */
function stateOf(pid: number): { readonly state: string; readonly startTicks: number } | null {
  const text = read(`/proc/${pid}/stat`);
  if (text === null) return null;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "", startTicks: Number(fields[19]) };
}

function read(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // No such process, or /proc is kept from us: then kill(2) alone has to tell.
    return null;
  }
}
