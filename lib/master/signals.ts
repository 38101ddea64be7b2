/**
 * Runs in the master. What each signal means; their listeners do nothing but report.
 *
 * @module
 */

import type { Happening } from "../core/event.ts";

/** A signal of the master: what it asks for, and how the reference explains it. */
export interface MasterSignal {
  readonly request: Happening;
  readonly help: string;
}

const STOPS = "Stops in order; the second time at once, with exit code 5.";

/** The signals of the master. */
export const MASTER_SIGNALS: Readonly<Partial<Record<Deno.Signal, MasterSignal>>> = {
  SIGHUP: {
    request: { type: "reload", kind: "all", why: "SIGHUP" },
    help: "Reads the configuration again and replaces all workers at the same time, each old one " +
      "only when its successor accepts.",
  },
  SIGINT: {
    request: { type: "stop", why: "SIGINT" },
    help: `${STOPS} Ctrl-C in a terminal sends it; workers do not see that one.`,
  },
  SIGTERM: {
    request: { type: "stop", why: "SIGTERM" },
    help: `${STOPS} (In uWSGI it reloads unless \`die-on-term\` is set.)`,
  },
  SIGQUIT: { request: { type: "stop", why: "SIGQUIT" }, help: STOPS },
};

/**
 * Takes the master's signals from the moment it is made, and keeps them until somebody asks for them:
 * one that comes while the sockets are opened must neither be lost nor end the process.
 */
export class SignalInbox {
  readonly #waiting: Happening[] = [];
  readonly #listeners: readonly (readonly [Deno.Signal, () => void])[];
  #report: (request: Happening) => void = (request) => this.#waiting.push(request);

  /** Begins to listen. */
  constructor() {
    const entries = Object.entries(MASTER_SIGNALS) as [Deno.Signal, MasterSignal][];
    this.#listeners = entries.map(([signal, { request }]) => {
      const listener = () => this.#report(request);
      Deno.addSignalListener(signal, listener);
      return [signal, listener];
    });
  }

  /** Reports what has come so far, and from now on what comes. */
  deliver(report: (request: Happening) => void): void {
    this.#report = report;
    this.#waiting.splice(0).forEach(report);
  }

  /** From now on signals do what they do to any process. */
  close(): void {
    for (const [signal, listener] of this.#listeners) Deno.removeSignalListener(signal, listener);
  }
}
