/**
 * Runs in the worker. The sockets of the instance, made once for the script and for the way out.
 *
 * @module
 */

import { currentInstance } from "./instance.ts";
import { UwsgiSocket } from "./socket.ts";

let sockets: readonly UwsgiSocket[] | null = null;

/** The configured sockets, in order. */
export function instanceSockets(): readonly UwsgiSocket[] {
  sockets ??= currentInstance().environment.sockets.map((socket) => new UwsgiSocket(socket));
  return sockets;
}
