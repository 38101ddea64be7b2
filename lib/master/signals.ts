/**
 * Runs in the master. What each signal means; their listeners do nothing but report.
 *
 * @module
 */

import type { ReloadKind } from "../core/state.ts";

/** What a signal asks for. */
export type SignalRequest =
  | { readonly type: "reload"; readonly kind: ReloadKind; readonly why: string }
  | { readonly type: "stop"; readonly why: string };

/** The signals of the master. uWSGI's SIGTERM reloads; here it stops, as everywhere else. */
export const MASTER_SIGNALS: Readonly<Partial<Record<Deno.Signal, SignalRequest>>> = {
  SIGHUP: { type: "reload", kind: "all", why: "SIGHUP" },
  SIGINT: { type: "stop", why: "SIGINT" },
  SIGTERM: { type: "stop", why: "SIGTERM" },
  SIGQUIT: { type: "stop", why: "SIGQUIT" },
};

/** Reports signals until the returned function is called. */
export function onMasterSignals(report: (request: SignalRequest) => void): () => void {
  const entries = Object.entries(MASTER_SIGNALS) as [Deno.Signal, SignalRequest][];
  const listeners = entries.map(([signal, request]) => {
    const listener = () => report(request);
    Deno.addSignalListener(signal, listener);
    return () => Deno.removeSignalListener(signal, listener);
  });
  return () => listeners.forEach((remove) => remove());
}
