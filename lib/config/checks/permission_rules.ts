/**
 * Rules of permissions: they are said in one way, and flags of Deno let workers be replaced.
 *
 * @module
 */

import type { Config } from "../config.ts";
import type { Entry } from "../ini/entry.ts";
import { isSandboxed, PERMISSION_OPTIONS, type PermissionConfig } from "../options/permissions.ts";
import { formatOrigin, type Problems } from "../problem.ts";
import { isPermissionFlag } from "../values/deno_flags.ts";
import type { FindEntry } from "./scaling_rules.ts";

/** Flags that restart a script behind the master's back. */
const WATCH = /^--(watch|watch-hmr|hmr)(=|$)/;
const INSPECT = /^--inspect(-brk|-wait)?(?:=(.*))?$/;

const KEYS: readonly (keyof PermissionConfig)[] =
  (Object.keys(PERMISSION_OPTIONS) as (keyof PermissionConfig)[])
    .filter((key) => key !== "workerControl" && key !== "sandboxWalls");

/** Permissions are said in one way, or in the other. */
export function checkPermissions(config: Config, find: FindEntry, problems: Problems): void {
  const flag = config.denoFlags.find(isPermissionFlag);
  if (flag === undefined || !isSandboxed(config)) return;
  const entry = KEYS.map(find).find((one): one is Entry => one !== undefined);
  if (entry === undefined) return;
  const where = find("denoFlags");
  const other = where === undefined ? "" : ` at ${formatOrigin(where.origin)}`;
  problems.error(
    entry.origin,
    `"${entry.key}" at ${formatOrigin(entry.origin)} contradicts deno-flag = ${flag}${other}: ` +
      "say all permissions in one of the two ways",
  );
}

/** Reports flags with which a worker cannot be replaced, or not every worker can start. */
export function checkDenoFlags(
  { denoFlags, processes }: Pick<Config, "denoFlags" | "processes">,
  entryOf: (flag: string) => Entry | undefined,
  problems: Problems,
): void {
  for (const flag of denoFlags) {
    const entry = entryOf(flag);
    if (entry === undefined) continue;
    const { origin } = entry;
    const what = `"${entry.key}" at ${formatOrigin(origin)}`;
    if (WATCH.test(flag)) {
      problems.error(
        origin,
        `${what} has ${flag}, which restarts scripts behind the master's back: use auto-reload = true`,
      );
    }
    if (!opensFixedPort(flag)) continue;
    const free = flag.replace(/=.*/, "") + "=127.0.0.1:0";
    if (processes > 1) {
      problems.error(
        origin,
        `${what} has ${flag}, but only one of ${processes} workers could have that port: use ` +
          `${free}, or processes = 1`,
      );
    } else {
      problems.warning(
        origin,
        `${what} has ${flag}: a reload fails while the old worker has that port, ${free} does not`,
      );
    }
  }
}

/** True for a debugger at a port that only one process can have. */
function opensFixedPort(flag: string): boolean {
  const address = INSPECT.exec(flag);
  return address !== null && !/(^|:)0$/.test(address[2] ?? "");
}
