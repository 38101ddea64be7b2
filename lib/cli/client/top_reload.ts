/**
 * Reloads from `top`: through the socket on which the master answers operators, if it is the master of
 * the figures that are shown.
 *
 * @module
 */

import type { SeenStats } from "../../top/seen_stats.ts";
import type { InstanceSource } from "../../top/source.ts";
import type { ReloadCommand } from "../../top/ui.ts";
import type { Status } from "../../control/status.ts";
import { UserError } from "../../errors.ts";
import { operatorSocketOf } from "./find_master.ts";
import { askOperator } from "./operator_call.ts";

/** Figures and status are asked for one after the other: so long may be between them (10 s). */
const TOLERANCE_MS = 10_000;

/**
 * Asks the master of these figures for a reload, and returns what it says to that.
 *
 * @param socket Where it answers; null: it is found by its process id.
 * @throws {UserError} If it cannot be asked; the message says why.
 */
export async function reloadHere(
  stats: SeenStats,
  command: ReloadCommand,
  source: InstanceSource,
  socket: (() => Promise<string>) | null,
): Promise<string> {
  const path = await socket?.() ?? await socketOfStats(stats, source);
  const answer = await askOperator(path, command);
  if (answer.type === "accepted" || answer.type === "result") return answer.text;
  throw impossible(answer.type === "error" ? answer.text : answer.verdict.text);
}

async function socketOfStats(stats: SeenStats, { name, host }: InstanceSource): Promise<string> {
  if (stats.phase === null) throw impossible("this is uWSGI, which has its own ways");
  if (host !== null && !isHere(host)) {
    throw impossible(`${host} is another machine: use ctl there`);
  }
  const path = operatorSocket(stats.pid, name);
  const answer = await askOperator(path, "status");
  const status = answer.type === "result" ? answer.value as Status : null;
  const apart = Math.abs((status?.uptimeMs ?? Infinity) - (stats.uptimeMs ?? 0));
  // Behind a forwarded port there may be another machine, on which somebody else has this id.
  if (status?.pid === stats.pid && status.script === stats.script && apart < TOLERANCE_MS) {
    return path;
  }
  throw impossible(`process ${stats.pid} of this machine is not the one of ${name}`);
}

function operatorSocket(pid: number, name: string): string {
  try {
    return operatorSocketOf(pid, name);
  } catch (error) {
    throw error instanceof UserError ? impossible(error.message) : error;
  }
}

/** True if a host is this machine, as far as its own addresses say. */
function isHere(host: string): boolean {
  if (host === "localhost" || host === "::1" || host.startsWith("127.")) return true;
  return Deno.networkInterfaces().some(({ address }) => address === host);
}

function impossible(reason: string): UserError {
  return new UserError("unreachable", `Cannot reload from here: ${reason}`);
}
