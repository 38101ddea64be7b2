/**
 * Which walls the kernel has put around sandboxed workers (`sandbox-walls`). The master asks the kernel: what
 * a worker says of itself proves nothing.
 *
 * @module
 */

import type { SandboxWall, SandboxWalls } from "../../config/options/permissions.ts";
import { SANDBOX_WALLS } from "../../config/options/permissions.ts";
import type { WallStatus } from "../../control/status.ts";
import { libc } from "../../system/libc.ts";
import { seccompProblem } from "../../system/process/seccomp.ts";

/** Why the kernel offers a wall to nobody; null: it offers it, or nothing says that it does not. */
const PROBLEMS: Readonly<Record<SandboxWall, () => string | null>> = {
  seccomp: () => {
    const c = libc();
    return c === null ? "foreign functions are refused" : seccompProblem(c, Deno.build.arch);
  },
  landlock: () => null,
};

/** True if the kernel shows that a process has a wall; null: the kernel does not show it. */
const HELD: Readonly<Record<SandboxWall, ((pid: number) => boolean) | null>> = {
  seccomp: hasOwnFilter,
  landlock: null,
};

/**
 * The walls that are asked for and that the kernel lacks, each as a sentence for the log.
 *
 * @throws {Error} If the configuration requires one of them.
 */
export function missingWalls({ walls, required }: SandboxWalls): string[] {
  const missing = walls.flatMap((wall) => {
    const problem = PROBLEMS[wall]();
    return problem === null ? [] : [`The kernel has no ${wall} for sandboxes (${problem})`];
  });
  const [first] = missing;
  if (required && first !== undefined) {
    throw new Error(
      `${first}: use a kernel or a container that has it, or remove ",required" from sandbox-walls`,
    );
  }
  return missing.map((text) => `${text}: workers go without that wall, see sandbox-walls`);
}

/**
 * What holds now.
 *
 * @param pids The workers whose scripts run.
 */
export function wallStatus({ walls }: SandboxWalls, pids: readonly number[]): WallStatus[] {
  return SANDBOX_WALLS.flatMap((wall): WallStatus[] => {
    const held = HELD[wall];
    if (held === null) return [];
    const not = (why: string) => [{ wall, holds: false, why }];
    if (!walls.includes(wall)) return not("not asked for");
    const problem = PROBLEMS[wall]();
    if (problem !== null) return not(problem);
    if (pids.length === 0) return not("no worker accepts");
    const without = pids.find((pid) => !held(pid));
    return without === undefined
      ? [{ wall, holds: true, why: null }]
      : not(`pid ${without} lacks it`);
  });
}

/**
 * True if a process has a filter that its master has not. In a container both have the container's; kernels
 * before 5.9 do not count filters, so there any filter is taken for the worker's own.
 */
function hasOwnFilter(pid: number): boolean {
  const [own, other] = [Deno.pid, pid].map(seccompState);
  if (own === undefined || other === undefined || own === null || other === null) return false;
  const more = other.filters === null || own.filters === null || other.filters > own.filters;
  return other.mode === SECCOMP_MODE_FILTER && other.noNewPrivileges && more;
}

const SECCOMP_MODE_FILTER = 2;

interface SeccompState {
  readonly mode: number;
  readonly noNewPrivileges: boolean;
  /** How many filters it has; null: the kernel does not say. */
  readonly filters: number | null;
}

/** Fields of /proc/PID/status (proc(5)); null: the process is gone. */
function seccompState(pid: number): SeccompState | null {
  let text: string;
  try {
    text = Deno.readTextFileSync(`/proc/${pid}/status`);
  } catch {
    return null;
  }
  const field = (name: string) => {
    const value = new RegExp(`^${name}:\\s*(\\d+)$`, "m").exec(text)?.[1];
    return value === undefined ? null : Number(value);
  };
  return {
    mode: field("Seccomp") ?? 0,
    noNewPrivileges: field("NoNewPrivs") === 1,
    filters: field("Seccomp_filters"),
  };
}
