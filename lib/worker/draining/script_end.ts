/**
 * Runs in the worker. Ends a server because its script wants that: as a part of leaving, or in a worker that
 * stays and may open it again.
 *
 * @module
 */

import { fulfilledWithin, pause } from "../../system/timing.ts";
import { listenerEnd } from "../connections/client_connections.ts";
import { drain, type Drainable } from "./drain.ts";
import { instanceAccess } from "../instance.ts";
import { workerLeaves } from "../leaving.ts";
import { beginClosing, endClosing } from "../connections/connection_close_rule.ts";

const currentInstance = instanceAccess();

/** How long clients of a server that ends in a worker that stays may go by themselves (2 s). */
const GOING_MS = 2_000;
/** How often it is looked whether they have gone. */
const LOOK_MS = 20;

/**
 * Ends what has stopped accepting: at once asks its clients to go, then ends idle connections, and waits
 * until the others have had their responses. A worker that leaves drains as in any reload.
 *
 * @param address The address of its socket.
 */
export async function endServer(server: Drainable, address: string): Promise<void> {
  if (workerLeaves()) return await drain([server], currentInstance().environment.mercyMs);
  beginClosing();
  try {
    await untilGone(listenerEnd(address));
    const ended = server.end();
    while (!workerLeaves() && !await fulfilledWithin(ended, GOING_MS));
  } finally {
    endClosing();
  }
}

/** Whoever connects meanwhile is somebody else's client, so this takes no longer than it may. */
async function untilGone(near: string): Promise<void> {
  const { operations } = currentInstance();
  const deadline = performance.now() + GOING_MS;
  const any = () => operations?.clients().some((client) => client.near === near) ?? false;
  while (any() && performance.now() < deadline) await pause(LOOK_MS);
}
