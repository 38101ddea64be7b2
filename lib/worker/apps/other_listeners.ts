/**
 * Runs in the worker. Finds out what listens in this process beside the script's main thread: threads have
 * Deno's own functions, and open what they ask for.
 *
 * @module
 */

import { tcpInfo } from "../../system/sockets/accept_queue.ts";
import { openDescriptors } from "../../system/descriptor.ts";
import { addressText, localAddress } from "../../system/sockets/socket_address.ts";
import { instanceAccess } from "../instance.ts";
import { portIn } from "./choose_socket.ts";
import type { Call } from "./notices.ts";

const currentInstance = instanceAccess();

/** `tcpi_state` of a socket that listens (TCP_LISTEN in tcp_states.h). */
const LISTENS = 10;

/**
 * The TCP addresses on which something listens that is neither a socket of the instance nor one of these calls.
 * A port that the kernel has chosen for a call cannot be told from a thread's, so then there are none.
 */
export function otherListeners(addresses: readonly string[], calls: readonly Call[]): string[] {
  const { libc } = currentInstance();
  const ports = calls.map(({ asked }) => "port" in asked ? asked.port : null);
  if (libc === null || ports.includes(0)) return [];
  const known = new Set([...addresses.map(portIn), ...ports]);
  const found = openDescriptors(libc).flatMap((fd) => {
    const address = localAddress(libc, fd);
    if (address === null || address.family === "unix" || known.has(address.port)) return [];
    return tcpInfo(libc, fd)?.getUint8(0) === LISTENS ? [addressText(address)] : [];
  });
  return [...new Set(found)];
}
