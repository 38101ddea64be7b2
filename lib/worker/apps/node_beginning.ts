/**
 * Runs in the worker. What the connections of a certain node server begin with on a certain socket.
 *
 * @module
 */

import type { Socket } from "node:net";
import type { WorkerSocket } from "../../protocol/worker_environment.ts";
import { instanceAccess } from "../instance.ts";
import { type Beginning, nodeBeginner } from "./node_beginnings.ts";
import type { NodeServer } from "../handler.ts";

const currentInstance = instanceAccess();

/** What a server speaks on the connections that it is given. */
type Speech = "tls" | "http" | "http2" | "bytes";

/** What is needed of `node:tls`. */
interface NodeTls {
  createServer(options: object, listener: (connection: Socket) => void): NodeServer;
}

function speechOf(server: NodeServer): Speech {
  if ("setSecureContext" in server) return "tls";
  if ("updateSettings" in server) return "http2";
  return "headersTimeout" in server ? "http" : "bytes";
}

/** What HTTP is negotiated (RFC 7301); servers of bytes have no say. */
const PROTOCOLS: Partial<Record<Speech, readonly string[]>> = { http: ["http/1.1"], http2: ["h2"] };

/**
 * What comes first, so that the server finds what it speaks; null: that is what comes.
 *
 * @param ready Takes the connections that have begun.
 * @throws {Error} If the server cannot be had on this socket.
 */
export function beginningOn(
  { protocol, address, certificate }: WorkerSocket,
  server: NodeServer,
  ready: (connection: Socket) => void,
): Beginning | null {
  const speech = speechOf(server);
  if (certificate !== undefined) {
    // A server with a certificate of its own does its handshakes itself.
    return speech === "tls" ? null : withTls(certificate, PROTOCOLS[speech], ready);
  }
  const beginner = nodeBeginner(protocol);
  // Servers of bytes see what is sent, as listeners do.
  if (beginner === undefined || speech === "bytes") return null;
  if (speech === "http") return beginner(ready, () => server.listenerCount("upgrade") > 0);
  const what = protocol === "uwsgi-socket"
    ? "the uwsgi protocol is spoken on this uwsgi-socket"
    : "enable-proxy-protocol puts a header in front of each connection";
  throw new Error(
    `A server of ${speech === "tls" ? "node:https or node:tls" : "node:http2"} cannot listen on ` +
      `${address}, because ${what}: let the script use node:http, or give it another socket`,
  );
}

/** Does the handshake with the certificate of the configuration. */
function withTls(
  certificate: string,
  protocols: readonly string[] | undefined,
  ready: (connection: Socket) => void,
): Beginning {
  const { tls } = currentInstance();
  if (tls === null) throw new Error(`There are no certificates, not even for "${certificate}"`);
  const process: { readonly getBuiltinModule: (name: string) => NodeTls } = Reflect.get(
    globalThis,
    "process",
  );
  const options = {
    ...tls.certificate(certificate),
    ...(protocols && { ALPNProtocols: protocols }),
  };
  const server = process.getBuiltinModule("node:tls").createServer(options, ready);
  return (accepted) => {
    // Its client has gone, which the server sees by itself.
    accepted.on("error", () => {});
    server.emit("connection", accepted);
  };
}
