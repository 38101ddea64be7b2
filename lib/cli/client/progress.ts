/**
 * What somebody who waits for a command is told meanwhile: what it waits for, in which slot.
 *
 * @module
 */

import type { SlotStatus, Status } from "../../control/status.ts";

/**
 * What an instance waits for, in one line; null: for nothing.
 *
 * The line has no times, so it changes only when something happens.
 */
export function progressOf(status: Status): string | null {
  if (status.phase === "stopping") return `Stopping: ${leaving(status) || "the last steps"}`;
  const { reload, queued } = status;
  if (reload === null) {
    const left = leaving(status);
    return left === "" ? null : `Waiting: ${left}`;
  }
  const all = reload.pending.length + reload.starting.length + reload.done.length;
  const starting = reload.starting.map((slot) => startOf(status, slot));
  const parts = [
    `Reload (${reload.kind}) to generation ${reload.generation}: ${reload.done.length} of ${all} done`,
    ...starting,
    leaving(status),
    queued === null ? "" : `a reload (${queued}) follows`,
  ];
  return parts.filter((part) => part !== "").join("; ");
}

/** The new worker of a slot. */
function startOf({ slots }: Status, number: number): string {
  const worker = slots.find(({ slot }) => slot === number)?.workers[0];
  const pid = worker?.pid ?? null;
  const waits = worker?.state === "accepting" ? "proves itself" : "starts";
  return `slot ${number} ${waits}${pid === null ? "" : ` (pid ${pid})`}`;
}

/** The workers that leave; empty: none does. */
function leaving({ slots }: Status): string {
  const all = slots.flatMap(({ slot, workers }: SlotStatus) =>
    workers.filter(({ reason }) => reason !== null)
      .map(({ pid, reason }) => `${pid ?? "?"} of slot ${slot} (${reason})`)
  );
  if (all.length === 0) return "";
  const shown = all.slice(0, MOST_NAMED).join(", ");
  const more = all.length > MOST_NAMED ? ` and ${all.length - MOST_NAMED} more` : "";
  return `${all.length === 1 ? "worker" : "workers"} ${shown}${more} finish${
    all.length === 1 ? "es" : ""
  } what clients have begun`;
}

/** More workers that leave are counted only. */
const MOST_NAMED = 4;
