/**
 * Runs in the worker. Gives the sockets of the instance to servers of `node:net`, `node:tls`, `node:http`
 * and `node:https`, which then leave as `Deno.serve` does.
 *
 * @module
 */

import { instanceAccess } from "../instance.ts";
import { announce, type Given, IN_USE, type Opening, passOn, socketFor } from "./adoption.ts";
import { portIn } from "./choose_socket.ts";
import { failInUse, type NodeNet, replaceBind } from "./node_listen.ts";
import { NodeService } from "./node_service.ts";
import type { Bind, NodeServer } from "../handler.ts";

const currentInstance = instanceAccess();

/** What node's servers do when they are to listen. */
const WHAT = "listen()";

/** From now on, node's servers are given sockets of the instance. */
export function awaitNodeServers(): void {
  replaceBind((bind, net) => {
    return function (this: NodeServer, ...args: Parameters<Bind>): void {
      const opening = openingBy(args);
      const given = opening === null ? null : socketFor(opening);
      if (given === IN_USE) return failInUse(this, args[0], args[1]);
      if (opening === null || given === null) return bind.apply(this, args);
      const service = serviceFor(given, bind, net);
      if (service === null) {
        passOn(opening);
        return bind.apply(this, args);
      }
      const { socket } = given;
      service.add(this);
      if (this._handle === null) return;
      if (given.sharedWith === null) socket.serveBy(service);
      this._pipeName = portIn(socket.address) === null ? socket.address : undefined;
      announce();
    };
  });
}

/** Null: what has the socket is none of node's servers, and shares it with nobody. */
function serviceFor(
  { socket, sharedWith }: Given,
  bind: Bind,
  net: NodeNet,
): NodeService | null {
  if (sharedWith === null) return new NodeService(socket, bind, net);
  return socket.served instanceof NodeService ? socket.served : null;
}

/** Null: it has a socket that somebody else opened. */
function openingBy([address, port, , , fd]: Parameters<Bind>): Opening | null {
  if (typeof port === "number" && port >= 0) {
    const isAny = address === null || address === "::" || address === "0.0.0.0";
    return { what: WHAT, asked: { port }, host: isAny ? null : address };
  }
  if (port === -1 && typeof address === "string") {
    return { what: WHAT, asked: { path: address }, host: null };
  }
  // A descriptor that the worker did not inherit from its master is no socket of anybody.
  return typeof fd === "number" && !isInherited(fd)
    ? { what: WHAT, asked: { descriptor: fd }, host: null }
    : null;
}

function isInherited(fd: number): boolean {
  return currentInstance().environment.sockets.some(({ fds }) => fds.includes(fd));
}
