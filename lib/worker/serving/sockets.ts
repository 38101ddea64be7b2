/**
 * Runs in the worker. The sockets of the instance, made once for the script and for the way out.
 *
 * @module
 */

import { instanceAccess } from "../instance.ts";
import { InstanceSocket } from "./socket.ts";

const currentInstance = instanceAccess();

let sockets: readonly InstanceSocket[] | null = null;

/** The configured sockets, in order. */
export function instanceSockets(): readonly InstanceSocket[] {
  sockets ??= currentInstance().environment.sockets.map((socket) => new InstanceSocket(socket));
  return sockets;
}
