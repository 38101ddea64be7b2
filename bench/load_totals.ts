/**
 * Adds up the reports of several load runs.
 *
 * @module
 */

import type { LoadReport } from "../tests/helpers/load/report.ts";
import type { FailureExample, ScenarioReport } from "../tests/helpers/load/report.ts";
import type { ScenarioName } from "../tests/helpers/load/scenario.ts";

/** A lost request, with the time of day. */
export interface Loss extends FailureExample {
  readonly transport: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** What became of one scenario's requests on one transport, over all runs. */
export interface Row extends ScenarioReport {
  readonly transport: string;
  readonly scenario: string;
}

/** The sum of load runs. */
export class LoadTotals {
  readonly #rows = new Map<string, Row>();
  /** The first lost requests of each run. */
  readonly losses: Loss[] = [];

  /** Adds the report of a run that began at `startedAt`, in milliseconds since the epoch. */
  add(transport: string, startedAt: number, report: LoadReport): void {
    for (const [scenario, counts] of Object.entries(report.scenarios)) {
      addCounts(this.#row(transport, scenario as ScenarioName), counts);
    }
    for (const example of report.examples) {
      this.losses.push({ ...example, transport, at: startedAt + example.atMs });
    }
  }

  /** One row for each transport and scenario. */
  get rows(): readonly Row[] {
    return [...this.#rows.values()];
  }

  /** Requests, answered or lost. */
  get requests(): number {
    return this.rows.reduce((sum, row) => sum + row.ok + row.failed, 0);
  }

  /** Lost requests. */
  get failed(): number {
    return this.rows.reduce((sum, row) => sum + row.failed, 0);
  }

  #row(transport: string, scenario: ScenarioName): Row {
    const key = `${transport} ${scenario}`;
    const row = this.#rows.get(key) ?? {
      transport,
      scenario,
      ok: 0,
      failed: 0,
      failures: {},
      connections: 0,
      idleEnds: 0,
      announcedEnds: 0,
      goingAway: 0,
      slowestMs: 0,
    };
    this.#rows.set(key, row);
    return row;
  }
}

const SUMMED = ["ok", "failed", "connections", "idleEnds", "announcedEnds", "goingAway"] as const;

function addCounts(row: Row, counts: Readonly<ScenarioReport>): void {
  for (const key of SUMMED) row[key] += counts[key];
  row.slowestMs = Math.max(row.slowestMs, counts.slowestMs);
  for (const [kind, count] of Object.entries(counts.failures)) {
    const known = kind as keyof ScenarioReport["failures"];
    row.failures[known] = (row.failures[known] ?? 0) + count;
  }
}
