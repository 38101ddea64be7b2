/**
 * Loses requests, or proves that it does not, where old workers end the connections of clients that pause:
 * for random times, as long as a connection may be idle, shorter and longer.
 *
 * @module
 */

import { runLoad } from "../tests/helpers/load.ts";
import { type Findings, type Length, runBench } from "./bench.ts";
import { Instance } from "./instance.ts";
import { LoadTotals, type Row } from "./load_totals.ts";
import { grouped, targetsOf, tellLosses } from "./loss_load.ts";
import { markdownTable } from "./readme.ts";

const SCRIPT = new URL("../tests/fixtures/apps/loss_app.ts", import.meta.url);
const PROCESSES = 4;
/** Kept connections for each transport. */
const CLIENTS = 32;
/** A client pauses for so long between two requests; each order of magnitude is as likely as the others. */
const [SHORTEST_MS, LONGEST_MS] = [1, 12_000];
const RELOADS = { full: 50, short: 10 } as const;

async function measure(length: Length): Promise<Findings> {
  await using instance = new Instance({
    script: SCRIPT,
    processes: PROCESSES,
    args: ["--socket", "%DIR%/app.sock"],
  });
  const targets = targetsOf(await instance.ready());
  const totals = new LoadTotals();
  const end = new AbortController();
  const startedAt = Date.now();
  const loads = targets.map(async ([transport, target]) => {
    const report = await runLoad(target, { idle: CLIENTS }, end.signal, { idle: randomPause });
    totals.add(transport, startedAt, report);
  });
  for (let reload = 0; reload < RELOADS[length]; reload++) await instance.reload();
  await instance.until(() => instance.count("gone") >= RELOADS[length] * PROCESSES);
  const seconds = (Date.now() - startedAt) / 1000;
  end.abort();
  await Promise.all(loads);
  tellLosses(totals.losses, instance.events);
  return findings(totals, RELOADS[length], seconds);
}

function randomPause(): Promise<void> {
  const ms = SHORTEST_MS * (LONGEST_MS / SHORTEST_MS) ** Math.random();
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A request that crossed the end of its connection: the end came in order, and no byte of an answer. */
function crossed({ failures }: Row): number {
  return failures["eof-before-response"] ?? 0;
}

function findings(totals: LoadTotals, reloads: number, seconds: number): Findings {
  const crossings = totals.rows.reduce((sum, row) => sum + crossed(row), 0);
  const lost = totals.failed - crossings;
  const head = `${grouped(totals.requests)} requests during ${reloads} chain reloads in ` +
    `${
      Math.round(seconds)
    } s; ${PROCESSES} workers, ${CLIENTS} kept connections for each transport, ` +
    `pauses of ${SHORTEST_MS} ms to ${LONGEST_MS / 1000} s.`;
  const table = markdownTable(
    ["Transport", "Requests", "Lost", "Crossed", "Connections", "Ended while idle"],
    totals.rows.map((row) => [
      row.transport,
      row.ok + row.failed,
      row.failed - crossed(row),
      crossed(row),
      row.connections,
      row.idleEnds,
    ]),
  );
  const goal = (what: string, count: number) => ({
    what: `${count} of ${grouped(totals.requests)} requests ${what}`,
    reached: count === 0,
    counted: true,
  });
  return {
    text: `${head}\n\n${table}`,
    goals: [goal("lost", lost), goal("crossed the end of their connection", crossings)],
  };
}

if (import.meta.main) await runBench("idle", measure);
