/**
 * What a master is like right now, as one value that can be sent as JSON, and the same as text for
 * people.
 *
 * @module
 */

import { printable } from "../foreign_text.ts";
import {
  desiredSlots,
  type LeaveReason,
  type MasterState,
  type Phase,
  type ReloadKind,
  type Worker,
} from "../core/state.ts";
import type { WorkerState } from "../core/worker_table.ts";
import type { SlotCell } from "../shared_memory/scoreboard.ts";

/** What the state does not know. */
export interface StatusFacts {
  readonly version: string;
  readonly pid: number;
  /** The script of the workers. */
  readonly script: string;
  /** Where the master runs. */
  readonly directory: string;
  /** Absolute paths of the INI files it was started with. */
  readonly configuration: readonly string[];
  /** Addresses of the listening sockets. */
  readonly sockets: readonly string[];
  /** Monotonic time in milliseconds, as in events. */
  readonly now: number;
  /** Reads the scoreboard. */
  readonly count: (slot: number, cell: SlotCell) => number;
  /** The kernel's walls around sandboxed workers; empty: they are no sandboxes. @default empty */
  readonly walls?: readonly WallStatus[];
}

/** A wall of the kernel around sandboxed workers. */
export interface WallStatus {
  readonly wall: string;
  /** True if all workers that serve have it. */
  readonly holds: boolean;
  /** Why it does not hold; null: it does. */
  readonly why: string | null;
}

/** A master. */
export interface Status {
  readonly version: string;
  readonly pid: number;
  readonly script: string;
  /** Where the master runs. */
  readonly directory: string;
  /** Absolute paths of the INI files it was started with. */
  readonly configuration: readonly string[];
  readonly sockets: readonly string[];
  readonly phase: Phase;
  readonly paused: boolean;
  /** True while no worker runs until a connection comes (`cheap`, `idle`). */
  readonly cheap: boolean;
  readonly uptimeMs: number;
  /** How many workers there should be. */
  readonly processes: number;
  /** The generation that is respawned. */
  readonly generation: number;
  /** The reload on its way; null: none. */
  readonly reload: ReloadStatus | null;
  /** The reload that follows; null: none. */
  readonly queued: ReloadKind | null;
  /** The kernel's walls around sandboxed workers; empty: they are no sandboxes. */
  readonly walls: readonly WallStatus[];
  readonly slots: readonly SlotStatus[];
}

/** A reload on its way. */
export interface ReloadStatus {
  readonly kind: ReloadKind;
  readonly generation: number;
  readonly runningMs: number;
  readonly pending: readonly number[];
  readonly starting: readonly number[];
  readonly done: readonly number[];
}

/** A slot: its counts live as long as the master. */
export interface SlotStatus {
  readonly slot: number;
  readonly requests: number;
  readonly exceptions: number;
  readonly respawns: number;
  /** Deaths in a row. */
  readonly deaths: number;
  /** When the next worker is started, in milliseconds from now; null: none is due. */
  readonly respawnInMs: number | null;
  /** Why its last worker failed to start, or died; null: none did, or a later one accepted. */
  readonly lastFailure: string | null;
  /** Its workers, the newest first: those that leave are still among them. */
  readonly workers: readonly WorkerStatus[];
}

/** A worker process. */
export interface WorkerStatus {
  readonly pid: number | null;
  readonly state: WorkerState;
  readonly generation: number;
  readonly ageMs: number;
  /** Why it leaves; null: it does not. */
  readonly reason: LeaveReason | null;
}

/** The status of a master. */
export function instanceStatus(state: MasterState, facts: StatusFacts): Status {
  const { version, pid, script, directory, configuration, sockets, now } = facts;
  return {
    version,
    pid,
    script,
    directory,
    configuration,
    sockets,
    phase: state.phase,
    paused: state.paused,
    cheap: state.phase === "running" && desiredSlots(state) === 0,
    uptimeMs: since(state.startedAt, now),
    processes: state.settings.processes,
    generation: state.generation,
    reload: state.reload && {
      kind: state.reload.kind,
      generation: state.reload.generation,
      runningMs: since(state.reload.startedAt, now),
      pending: state.reload.pending,
      starting: state.reload.starting,
      done: state.reload.done,
    },
    queued: state.queued?.kind ?? null,
    walls: facts.walls ?? [],
    slots: state.slots.map((slot) => ({
      slot: slot.number,
      requests: facts.count(slot.number, "requests"),
      exceptions: facts.count(slot.number, "exceptions"),
      respawns: facts.count(slot.number, "respawns"),
      deaths: slot.deaths,
      respawnInMs: slot.respawnAt === null ? null : Math.max(0, since(now, slot.respawnAt)),
      lastFailure: slot.lastFailure,
      workers: workersOf(state, slot.number, now),
    })),
  };
}

function workersOf(state: MasterState, slot: number, now: number): WorkerStatus[] {
  const workers = state.workers.filter((worker) => worker.slot === slot);
  return workers.sort((a, b) => b.id - a.id).map((worker: Worker) => ({
    pid: worker.pid,
    state: worker.state,
    generation: worker.generation,
    ageMs: since(worker.spawnedAt, now),
    reason: worker.reason,
  }));
}

function since(from: number, to: number): number {
  return Math.round(to - from);
}

/** The status for people, without a line break at its end. */
export function statusText(status: Status): string {
  const { version, pid, script, sockets, phase, paused, reload, queued } = status;
  const lines = [
    `duwsgi ${version}, pid ${pid}, ${paused ? "paused" : phase} for ${age(status.uptimeMs)}`,
    printable(`Script ${script} in ${status.directory} on ${sockets.join(", ")}`),
    `Workers ${accepting(status)} of ${status.processes} accept, generation ${status.generation}`,
  ];
  if (status.cheap) lines.push("Cheap: no worker runs until a connection comes");
  if (status.walls.length > 0) lines.push(`Walls ${wallsText(status.walls)}`);
  if (reload !== null) {
    const all = reload.pending.length + reload.starting.length + reload.done.length;
    const done = `${reload.done.length} of ${all} slots done`;
    lines.push(
      `Reload (${reload.kind}) to generation ${reload.generation}: ${done} after ` +
        age(reload.runningMs),
    );
  }
  if (queued !== null) lines.push(`Reload (${queued}) follows`);
  return [...lines, "", workersText(status)].join("\n");
}

/** `seccomp, landlock`; `seccomp (landlock: why not)`. */
function wallsText(walls: readonly WallStatus[]): string {
  const holding = walls.filter(({ holds }) => holds).map(({ wall }) => wall).join(", ");
  const others = walls.filter(({ holds }) => !holds).map(({ wall, why }) => `${wall}: ${why}`);
  return (holding || "none") + (others.length === 0 ? "" : ` (${others.join("; ")})`);
}

function accepting({ slots }: Status): number {
  return slots.filter(({ workers }) => workers.some(({ state }) => state === "accepting")).length;
}

const HEAD = ["SLOT", "PID", "STATE", "GEN", "AGE", "REQUESTS", "ERRORS", "RESPAWNS", ""];

/** The workers for people: one line each, and one for a slot without any. */
export function workersText({ slots }: Status): string {
  const rows = slots.flatMap((slot) => {
    if (slot.workers.length === 0) return [slotRow(slot, "-", "none", "-", "-", noteOf(slot))];
    return slot.workers.map(({ pid, state, generation, ageMs, reason }, i) => {
      const cells = [String(pid ?? "-"), state, String(generation), age(ageMs)] as const;
      if (i === 0) return slotRow(slot, ...cells, reason ?? noteOf(slot));
      return [String(slot.slot), ...cells, "", "", "", reason ?? ""];
    });
  });
  return table([HEAD, ...rows]);
}

function slotRow(
  { slot, requests, exceptions, respawns }: SlotStatus,
  pid: string,
  state: string,
  generation: string,
  old: string,
  note: string,
): string[] {
  const counts = [requests, exceptions, respawns].map(String);
  return [String(slot), pid, state, generation, old, ...counts, note];
}

/** What went wrong last, as long as it has not been made good. */
function noteOf({ respawnInMs, lastFailure, deaths, workers }: SlotStatus): string {
  const due = respawnInMs === null ? "" : `next start in ${age(respawnInMs)}`;
  const failed = deaths > 0 || workers.length === 0 ? lastFailure ?? "" : "";
  return [printable(failed), due].filter((text) => text !== "").join("; ");
}

function table(rows: readonly (readonly string[])[]): string {
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const widths = HEAD.map((_, column) => width(column));
  const line = (row: readonly string[]) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd();
  return rows.map(line).join("\n");
}

/** `850 ms`, `42 s`, `3 min`, `5 h`, `12 d`. */
function age(ms: number): string {
  const units = [[86_400_000, "d"], [3_600_000, "h"], [60_000, "min"], [1000, "s"]] as const;
  const unit = units.find(([length]) => ms >= 2 * length);
  return unit === undefined ? `${ms} ms` : `${Math.floor(ms / unit[0])} ${unit[1]}`;
}
