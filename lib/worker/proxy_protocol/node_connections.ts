/**
 * Runs in the worker. The begin of a node server's connections behind the PROXY protocol.
 *
 * @module
 */

import type { Socket } from "node:net";
import { noteRelay } from "../connections/client_activity.ts";
import { clientKey } from "../connections/client_connections.ts";
import { type Beginner, NodeReader, setClient } from "../apps/node_beginnings.ts";
import { receiveHeader } from "./relay.ts";
import type { ProxyServerSetup } from "./server.ts";

/** Reads the header; the connection goes on with what is behind it, in the name of its client. */
export function beginBehindProxy(setup: ProxyServerSetup): Beginner {
  return (ready) => (accepted) => void begin(accepted, ready, setup);
}

async function begin(
  accepted: Socket,
  ready: (connection: Socket) => void,
  { timeoutMs, refused }: ProxyServerSetup,
): Promise<void> {
  const reader = new NodeReader(accepted);
  try {
    const begun = await receiveHeader(reader, timeoutMs);
    if (begun === null) return void accepted.destroy();
    const { client, rest } = begun;
    const connection = nameOf(accepted);
    if (client !== null) setClient(accepted, client);
    const forget = noteRelay({ connection, client: nameOf(accepted) });
    accepted.once("close", forget);
    reader.giveBack(rest);
  } catch (error) {
    if (error instanceof SyntaxError) refused(error);
    return void accepted.destroy();
  }
  ready(accepted);
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return remoteAddress === undefined || remotePort === undefined
    ? ""
    : clientKey(remoteAddress, remotePort);
}
