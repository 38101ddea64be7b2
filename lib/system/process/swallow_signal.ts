/**
 * Keeps a signal away from Deno.
 *
 * @module
 */

import { check, type Libc } from "../libc.ts";

/** Numbers of signals, the same on every Linux that Deno runs on. */
const NUMBERS = { SIGUSR1: 10 } as const;

/**
 * Makes the signal do nothing: since 2.9.2 Deno answers SIGUSR1 with a debugger on 127.0.0.1:9229, on
 * which every local user may run code in this process.
 *
 * Not by ignoring it, which children would inherit: the handler is getpid(2), which may be called there
 * and changes nothing. The listener comes first, because Deno installs its own handler for a signal only
 * with the first listener, and half a second after its start.
 *
 * @returns Stops swallowing it, as far as Deno's listener is concerned.
 */
export function swallowSignal(c: Libc, signal: keyof typeof NUMBERS): () => void {
  const listener = () => {};
  Deno.addSignalListener(signal, listener);
  const before = c.signal(NUMBERS[signal], c.addressOf("getpid"));
  // SIG_ERR is -1 as a pointer.
  check(c, "signal", Deno.UnsafePointer.value(before) === 2n ** 64n - 1n ? -1 : 0);
  return () => Deno.removeSignalListener(signal, listener);
}
