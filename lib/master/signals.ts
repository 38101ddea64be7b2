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

/** Reports signals until the returned function is called. */
export function onMasterSignals(report: (request: Happening) => void): () => void {
  const entries = Object.entries(MASTER_SIGNALS) as [Deno.Signal, MasterSignal][];
  const listeners = entries.map(([signal, { request }]) => {
    const listener = () => report(request);
    Deno.addSignalListener(signal, listener);
    return () => Deno.removeSignalListener(signal, listener);
  });
  return () => listeners.forEach((remove) => remove());
}
