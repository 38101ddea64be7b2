/**
 * Where the question of `accepting-probe` goes, and what its answer means.
 *
 * @module
 */

import type { WorkerSocket } from "../../protocol/worker_environment.ts";

/** What an address stands for that means all of a machine's. */
const EVERYWHERE = /^(0\.0\.0\.0|\[::\]):/;

/** The origin that clients of a socket would name: `http://127.0.0.1:8080`. */
export function addressOf(
  { address, protocol }: Pick<WorkerSocket, "address" | "protocol">,
): string {
  const scheme = protocol === "https-socket" ? "https" : "http";
  const host = /:\d+$/.test(address) && !/^[@/]/.test(address)
    ? address.replace(EVERYWHERE, "localhost:")
    : "localhost";
  return `${scheme}://${host}`;
}

/** Why an answer with this status is none to begin with; null: it is a good one. */
export function probeFailure(status: number): string | null {
  return status >= 200 && status < 400 ? null : `was answered with status ${status}`;
}
