/**
 * Runs in the master. Takes all connections of a socket.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import { isOfOneConnection } from "../../system/descriptor.ts";
import { pause } from "../../system/timing.ts";
import { logLine } from "../log.ts";

/** For the sockets of operators. */
export const CANNOT_ANSWER = "Cannot answer an operator";

/** After an accept that failed (1 s). */
const RETRY_MS = 1000;

/**
 * Calls `begin` with each connection until the listener is closed.
 *
 * @param problem Begins the line in the log when a connection could not be taken.
 */
export async function acceptLoop<C extends Deno.Conn>(
  listener: { accept(): Promise<C> },
  problem: string,
  begin: (connection: C) => void,
): Promise<void> {
  while (true) {
    try {
      begin(await listener.accept());
    } catch (error) {
      if (error instanceof Deno.errors.BadResource) return;
      if (error instanceof Deno.errors.Interrupted) return;
      // A client that left the queue is no reason to let the others wait.
      if (isOfOneConnection(error)) continue;
      // No descriptors are left, for example: the next try can wait until some are.
      const reason = errorText(error);
      logLine("warning", `${problem}: ${reason}`, { event: "clientRefused" });
      await pause(RETRY_MS);
    }
  }
}
