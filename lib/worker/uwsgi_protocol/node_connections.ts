/**
 * Runs in the worker. The begin of a node server's connections in the uwsgi protocol: the request is written
 * anew as one of HTTP/1.0, whose response has no chunks and ends with its connection, which is what a proxy
 * expects here. Only a request to upgrade is one of HTTP/1.1: nginx passes on what comes behind status 101.
 *
 * @module
 */

import type { Socket } from "node:net";
import type { ProxySettings } from "../../protocol/proxy_settings.ts";
import { type Beginner, NodeReader, setClient } from "../apps/node_beginnings.ts";
import { keepRequestVariables } from "../counting/request_annotations.ts";
import { type Packet, receivePacket } from "./incoming.ts";
import { Refusal } from "./packet.ts";
import { httpHead, isSecure, requestHead, upgradeOf } from "./request.ts";
import { responseHead } from "./response.ts";

/** What connections are begun with. */
export interface NodeSetup {
  readonly settings: ProxySettings;
  /** Told of requests that are not served. */
  readonly refused: (refusal: Refusal) => void;
}

/** Receives the variables; the connection goes on with a request that a node server can read. */
export function beginUwsgi(setup: NodeSetup): Beginner {
  return (ready, upgrades) => (accepted) => void begin(accepted, ready, upgrades, setup);
}

async function begin(
  accepted: Socket,
  ready: (connection: Socket) => void,
  upgrades: () => boolean,
  { settings, refused }: NodeSetup,
): Promise<void> {
  const reader = new NodeReader(accepted);
  try {
    const packet = await receivePacket(reader, settings);
    if (packet === null) return void accepted.destroy();
    reader.giveBack(translate(accepted, packet, upgrades()));
  } catch (error) {
    if (!(error instanceof Refusal)) return void accepted.destroy();
    refused(error);
    const response = new Response(null, { status: error.status });
    const text = new TextEncoder().encode(`Refused: ${error.message}\n`);
    accepted.write(responseHead(response, text.length));
    accepted.end(text);
    // What comes nevertheless is read away: a connection that is closed with something to read is reset.
    accepted.resume();
    return;
  }
  ready(accepted);
}

/** The same request in HTTP; what is known of its connection is noted there. */
function translate(socket: Socket, { variables, rest }: Packet, mayUpgrade: boolean): Uint8Array {
  const named = new Map(variables);
  const head = requestHead(variables, named);
  if (head.client !== null) setClient(socket, head.client);
  if (isSecure(named)) Object.defineProperty(socket, "encrypted", { value: true });
  keepRequestVariables(socket, named);
  const upgrade = mayUpgrade ? upgradeOf(head) : null;
  const text = httpHead(head, named, upgrade);
  // What follows the body is nothing that this connection is for, unless it becomes something else.
  const body = upgrade === null ? rest.subarray(0, head.length) : rest;
  const bytes = new Uint8Array(text.length + body.length);
  bytes.set(text);
  bytes.set(body, text.length);
  return bytes;
}
