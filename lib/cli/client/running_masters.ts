/**
 * The masters that run here, as they say themselves: all of them, the only one, or that of a
 * configuration or a directory.
 *
 * @module
 */

import { resolve } from "../../paths.ts";
import type { SlotStatus, Status } from "../../control/status.ts";
import { EXIT, UserError } from "../../errors.ts";
import { allOperatorSockets, unreachable } from "./find_master.ts";
import { askOperator } from "./operator_call.ts";

/** A master that answers. */
export interface RunningMaster {
  /** The socket on which it does. */
  readonly path: string;
  readonly pid: number;
  readonly script: string;
  /** Where it runs; null: it is of a version that does not say. */
  readonly directory: string | null;
  /** Absolute paths of the INI files it was started with. */
  readonly configuration: readonly string[];
  /** The addresses of its sockets. */
  readonly sockets: readonly string[];
  readonly processes: number;
  /** How many of its slots accept. */
  readonly accepting: number;
  readonly uptimeMs: number;
}

/** The masters of this user, or for root of everybody, by process id. */
export async function runningMasters(): Promise<readonly RunningMaster[]> {
  const masters = await Promise.all(allOperatorSockets().map(masterAt));
  return masters.filter((master) => master !== null).sort((a, b) => a.pid - b.pid);
}

/**
 * The only one.
 *
 * @param advice How else one is named.
 * @throws {UserError} If there is none, or are several.
 */
export async function onlyMaster(advice: string): Promise<RunningMaster> {
  const masters = await runningMasters();
  if (masters.length === 0) throw unreachable(`No master runs here as this user: ${advice}`);
  return single(masters, `Several masters run here: ${advice}`);
}

/** Those that were started with this INI file. */
export async function mastersOfIni(file: string): Promise<readonly RunningMaster[]> {
  const wanted = realPath(file);
  return (await runningMasters()).filter(({ configuration }) =>
    configuration.some((one) => one === file || realPath(one) === wanted)
  );
}

/**
 * The one that runs in a directory, or was started with an INI file in it.
 *
 * @throws {UserError} If there is none, or are several.
 */
export async function masterOfDirectory(directory: string): Promise<RunningMaster> {
  if (!isDirectory(directory)) {
    throw new UserError(
      "configuration",
      `"${directory}" names no instance: it is neither an INI file nor a directory`,
    );
  }
  const wanted = realPath(directory);
  const masters = (await runningMasters()).filter((master) =>
    [master.directory, ...master.configuration.map((file) => resolve(file, ".."))]
      .some((one) => one !== null && realPath(one) === wanted)
  );
  if (masters.length === 0) {
    throw unreachable(`No master runs in ${directory} as this user: see duwsgi ctl list`);
  }
  return single(masters, `Several masters run in ${directory}: name one with --pid N`);
}

/**
 * The first of one.
 *
 * @param doubt What is said, in front of the list, where there are several.
 */
export function single(masters: readonly RunningMaster[], doubt: string): RunningMaster {
  const [first, ...more] = masters;
  if (first !== undefined && more.length === 0) return first;
  throw new UserError("configuration", `${doubt}; they are ${masters.map(nameOf).join(", ")}`);
}

/** `20722 (app.ts in /srv/app on 127.0.0.1:8080)`. */
function nameOf({ pid, script, directory, sockets }: RunningMaster): string {
  const place = directory === null ? "" : ` in ${directory}`;
  return `${pid} (${script}${place} on ${sockets.join(" ")})`;
}

const HEAD = ["PID", "SCRIPT", "WORKERS", "DIRECTORY", "ADDRESSES"];

/** All of them for people: one line each. */
export function mastersText(masters: readonly RunningMaster[]): string {
  if (masters.length === 0) return "No master runs here as this user";
  const rows = masters.map((one) => [
    String(one.pid),
    one.script,
    `${one.accepting}/${one.processes}`,
    one.directory ?? "-",
    one.sockets.join(" "),
  ]);
  const all = [HEAD, ...rows];
  const widths = HEAD.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()
  ).join("\n");
}

/** The same for machines. */
export function mastersValue(masters: readonly RunningMaster[]): unknown {
  return { outcome: "ok" satisfies keyof typeof EXIT, masters: masters.map(withoutPath) };
}

function withoutPath({ path: socket, ...rest }: RunningMaster): unknown {
  return { ...rest, socket };
}

/** Null: it does not answer, or not as ours do, so it is none of ours. */
async function masterAt(path: string): Promise<RunningMaster | null> {
  try {
    const answer = await askOperator(path, "status");
    return answer.type === "result" ? masterOf(path, answer.value) : null;
  } catch {
    return null;
  }
}

/** Other versions may say less. */
function masterOf(path: string, value: unknown): RunningMaster | null {
  if (typeof value !== "object" || value === null) return null;
  const { pid, script, directory, configuration, sockets, processes, slots, uptimeMs } =
    value as Partial<Status>;
  if (typeof pid !== "number" || typeof script !== "string") return null;
  return {
    path,
    pid,
    script,
    directory: typeof directory === "string" ? directory : null,
    configuration: texts(configuration),
    sockets: texts(sockets),
    processes: Number(processes ?? 0),
    accepting: slots?.filter(accepts).length ?? 0,
    uptimeMs: Number(uptimeMs ?? 0),
  };
}

function accepts({ workers }: SlotStatus): boolean {
  return workers.some(({ state }) => state === "accepting");
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function realPath(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    return path;
  }
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
