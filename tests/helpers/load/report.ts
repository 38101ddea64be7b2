/**
 * What a load run found, and the counters that counts it.
 *
 * @module
 */
import { asLoadFailure, type FailureKind } from "./failure.ts";
import type { ScenarioName } from "./scenario.ts";

/** What became of one scenario's requests. */
export interface ScenarioReport {
  /** Requests (for WebSockets: messages) answered as they must be. */
  ok: number;
  /** All that were not, the sum of {@linkcode ScenarioReport.failures}. */
  failed: number;
  /** The same by kind. */
  readonly failures: Partial<Record<FailureKind, number>>;
  /** Connections made. */
  connections: number;
  /** Connections the server ended in order while the client had nothing to ask: no failures. */
  idleEnds: number;
  /** Answers that announced the end of a kept-alive connection with `Connection: close`. */
  announcedEnds: number;
  /** WebSockets the server ended with close code 1001, "going away" (RFC 6455, 7.4.1). */
  goingAway: number;
  /** The longest that an answered request took, in milliseconds; streams count whole. */
  slowestMs: number;
}

/** One lost request. */
export interface FailureExample {
  readonly scenario: ScenarioName;
  readonly kind: FailureKind;
  /** Milliseconds since the start of the run. */
  readonly atMs: number;
  readonly detail: string;
}

/** What a load run found. */
export interface LoadReport {
  /** Answered requests of all scenarios. */
  readonly ok: number;
  /** Lost requests of all scenarios. */
  readonly failed: number;
  /** How long the run took, in milliseconds. */
  readonly durationMs: number;
  readonly scenarios: Readonly<Partial<Record<ScenarioName, Readonly<ScenarioReport>>>>;
  /** Process ids of the workers that answered `/`. */
  readonly pids: ReadonlySet<number>;
  /** Their worker ids. */
  readonly workers: ReadonlySet<number>;
  /** Their generations, where the server tells them. */
  readonly generations: ReadonlySet<number>;
  /** The first lost requests. */
  readonly examples: readonly FailureExample[];
}

/** How many lost requests are described. */
const MAX_EXAMPLES = 20;

/** Counts, while a run goes on. */
export class Tally {
  readonly #started = performance.now();
  readonly #scenarios: Partial<Record<ScenarioName, ScenarioReport>> = {};
  readonly #examples: FailureExample[] = [];
  readonly #pids = new Set<number>();
  readonly #workers = new Set<number>();
  readonly #generations = new Set<number>();
  readonly #seen = new Set<string>();

  /** The counters of one scenario. */
  of(name: ScenarioName): ScenarioReport {
    return this.#scenarios[name] ??= {
      ok: 0,
      failed: 0,
      failures: {},
      connections: 0,
      idleEnds: 0,
      announcedEnds: 0,
      goingAway: 0,
      slowestMs: 0,
    };
  }

  /** Requests counted so far, lost or not. */
  get total(): number {
    const all = Object.values(this.#scenarios);
    return all.reduce((sum, scenario) => sum + scenario.ok + scenario.failed, 0);
  }

  /** Counts a lost request; returns how it was lost. */
  fail(scenario: ScenarioName, error: unknown): FailureKind {
    const { kind, message } = asLoadFailure(error);
    const report = this.of(scenario);
    report.failed += 1;
    report.failures[kind] = (report.failures[kind] ?? 0) + 1;
    if (this.#examples.length < MAX_EXAMPLES) {
      const atMs = Math.round(performance.now() - this.#started);
      this.#examples.push({ scenario, kind, atMs, detail: message });
    }
    return kind;
  }

  /** Notes who answered; false if the text is not the answer that `/` gives. */
  identify(text: string): boolean {
    if (this.#seen.has(text)) return true;
    if (!/^\{"pid":\d+(,"worker":\d+(,"generation":\d+)?)?\}$/.test(text)) return false;
    const { pid, worker, generation } = JSON.parse(text);
    this.#seen.add(text);
    this.#pids.add(pid);
    if (worker !== undefined) this.#workers.add(worker);
    if (generation !== undefined) this.#generations.add(generation);
    return true;
  }

  /** The result so far. */
  report(): LoadReport {
    const all = Object.values(this.#scenarios);
    return {
      ok: all.reduce((sum, scenario) => sum + scenario.ok, 0),
      failed: all.reduce((sum, scenario) => sum + scenario.failed, 0),
      durationMs: performance.now() - this.#started,
      scenarios: this.#scenarios,
      pids: this.#pids,
      workers: this.#workers,
      generations: this.#generations,
      examples: this.#examples,
    };
  }
}
