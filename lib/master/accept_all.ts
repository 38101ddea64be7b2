/**
 * Runs in the master. Takes all connections of a socket.
 *
 * @module
 */

import { pause } from "../system/timing.ts";
import { logLine } from "./log.ts";

/** After an accept that failed (1 s). */
const RETRY_MS = 1000;

/** Calls `begin` with each connection until the listener is closed. */
export async function acceptAll(
  listener: Deno.UnixListener,
  begin: (connection: Deno.UnixConn) => void,
): Promise<void> {
  while (true) {
    try {
      begin(await listener.accept());
    } catch (error) {
      if (error instanceof Deno.errors.BadResource) return;
      if (error instanceof Deno.errors.Interrupted) return;
      // No descriptors are left, for example: the next try can wait until some are.
      const reason = error instanceof Error ? error.message : String(error);
      logLine("warning", `Cannot answer an operator: ${reason}`, { event: "operatorRefused" });
      await pause(RETRY_MS);
    }
  }
}
