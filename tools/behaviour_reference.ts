/**
 * The reference of exit codes, signals and workers' lives, from the tables that decide about them.
 *
 * @module
 */

import { EXIT } from "../lib/errors.ts";
import { deathsInARow, pauseBeforeRespawn, STABLE_MS } from "../lib/core/restart_policy.ts";
import { WORKER_TABLE, type WorkerEvent, type WorkerState } from "../lib/core/worker_table.ts";
import { signalRows } from "./control_reference.ts";
import { table } from "./markdown.ts";

/** The document as Markdown. */
export function renderBehaviour(): string {
  return [
    "# Exit codes, signals, and a worker's life",
    "## Exit codes",
    table(["Code", "Name", "Meaning"], exitRows()),
    "## Signals to the master",
    table(["Signal", "Command", "What it does"], signalRows()),
    "[Control](control.md) has the commands, and the other ways to give them.",
    "Workers live in sessions of their own, so a terminal's Ctrl-C does not reach them. SIGHUP, SIGINT " +
    "or SIGTERM sent to a worker itself makes it leave in order, and the master replaces it.",
    "## A worker's life",
    "What happens to a worker (column) in each of its states (row): the state after it, and what the " +
    "master does.",
    table(["State", ...events().map((event) => `\`${event}\``)], workerRows()),
    "- `accept`, `pause`: the worker called `uwsgi.accepting(1)` or `uwsgi.accepting(0)`;",
    "- `retire`, `kill`: the master wants it gone in order, or at once;",
    "- `deadline`: `start-timeout` is over while it starts, or `worker-reload-mercy` while it retires;",
    "- `exit`: the process ended.",
    "## When a dead worker is replaced",
    `At once; and if the worker of the same slot keeps dying within ${STABLE_MS / 1000} s of its ` +
    "start, after a pause:",
    table(["Deaths in a row", "Pause"], pauseRows()),
    "While a slot has no worker, a sibling accepts the connections that arrive in its queue.",
  ].join("\n\n").replaceAll(";\n\n- ", ";\n- ");
}

function exitRows(): string[][] {
  return Object.entries(EXIT).map(([name, { code, meaning }]) => [String(code), name, meaning]);
}

function events(): WorkerEvent[] {
  return Object.keys(WORKER_TABLE.starting) as WorkerEvent[];
}

function workerRows(): string[][] {
  return (Object.keys(WORKER_TABLE) as WorkerState[]).map((state) => [
    `\`${state}\``,
    ...events().map((event) => {
      const { next, action } = WORKER_TABLE[state][event];
      return action === "ignore" ? "–" : `${next}: ${action}`;
    }),
  ]);
}

function pauseRows(): string[][] {
  const rows: string[][] = [];
  for (let deaths = deathsInARow(0, 0); deaths <= 9; deaths = deathsInARow(deaths, 0)) {
    rows.push([String(deaths), `${pauseBeforeRespawn(deaths) / 1000} s`]);
  }
  rows.push(["more", `${pauseBeforeRespawn(Infinity) / 1000} s`]);
  return rows;
}
