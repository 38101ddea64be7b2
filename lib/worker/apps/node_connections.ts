/**
 * Runs in the worker. What clients are doing on a node server's connections, and how those end. Requests
 * are seen where the server emits them, before the script sees them.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { together } from "../client_activity.ts";
import type { Activity } from "../clients/judge.ts";
import { clientKey } from "../connections.ts";
import type { NodeServer } from "./node_listen.ts";
import { followNodeRequest, followNodeUpgrade } from "./node_requests.ts";

/** A close frame that says "going away" (RFC 6455, 5.5.1 and 7.4.1). */
const GOING_AWAY = Uint8Array.of(0x88, 2, 0x03, 0xe9);

/** What is known of a connection. */
interface Known {
  /** Requests without a complete response. */
  busy: number;
  /** The last of them. */
  request: IncomingMessage | null;
  /** Its response. */
  response: ServerResponse | null;
  /** It is something else than HTTP now. */
  taken: boolean;
  /** It is a WebSocket now. */
  webSocket: boolean;
}

/** The connections of one server. */
export class NodeConnections {
  /** How many the server was given. */
  accepted = 0;
  readonly #known = new Map<Socket, Known>();
  readonly #isHttp: boolean;
  #ending = false;
  #empty: (() => void) | null = null;

  /** Follows all connections that the server is going to have. */
  constructor(server: NodeServer) {
    const { emit } = server;
    this.#isHttp = "headersTimeout" in server;
    // Those of TLS are of use once the handshake is done.
    const opened = "setSecureContext" in server ? "secureConnection" : "connection";
    server.emit = (event: string, ...args: readonly unknown[]): boolean => {
      if (event === "connection") this.accepted += 1;
      if (event === opened) this.#open(args[0] as Socket);
      else if (isRequest(event)) {
        this.#request(args[0] as IncomingMessage, args[1] as ServerResponse);
      } else if (event === "upgrade") this.#upgrade(args[0] as IncomingMessage);
      else if (event === "connect") this.#take(args[0] as IncomingMessage);
      return Reflect.apply(emit, server, [event, ...args]);
    };
  }

  /** Ends them: WebSockets with a close frame, idle ones in order, others behind their response. */
  end(): Promise<void> {
    this.#ending = true;
    return new Promise((resolve) => {
      this.#empty = resolve;
      if (this.#known.size === 0) resolve();
      for (const [socket, known] of this.#known) {
        if (known.webSocket) socket.end(GOING_AWAY);
        else if (known.busy === 0) socket.end();
      }
    });
  }

  /** Ends WebSockets with a close frame. */
  endWebSockets(): void {
    for (const [socket, { webSocket }] of this.#known) {
      if (webSocket && socket.writable) socket.end(GOING_AWAY);
    }
  }

  /**
   * What its clients are doing, by their names; null: the server does not speak HTTP. Those of Unix sockets have
   * one name together.
   */
  activity(): Map<string, Activity> | null {
    if (!this.#isHttp) return null;
    const all = new Map<string, Activity>();
    for (const [{ remoteAddress, remotePort }, known] of this.#known) {
      const isNamed = remoteAddress !== undefined && remotePort !== undefined;
      const client = isNamed ? clientKey(remoteAddress, remotePort) : "";
      all.set(client, isNamed ? activityOf(known) : together(all.get(client), activityOf(known)));
    }
    return all;
  }

  #open(socket: Socket): void {
    this.#known.set(socket, {
      busy: 0,
      request: null,
      response: null,
      taken: false,
      webSocket: false,
    });
    socket.once("close", () => {
      this.#known.delete(socket);
      if (this.#known.size === 0) this.#empty?.();
    });
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const known = this.#known.get(socket);
    if (known !== undefined) {
      known.busy += 1;
      known.request = request;
      known.response = response;
    }
    followNodeRequest(request, response);
    response.once("close", () => {
      if (known === undefined) return;
      known.busy -= 1;
      if (known.busy === 0) known.request = known.response = null;
      if (this.#ending && known.busy === 0) socket.end();
    });
  }

  #take({ socket }: IncomingMessage): void {
    const known = this.#known.get(socket);
    if (known !== undefined) known.taken = true;
  }

  #upgrade(request: IncomingMessage): void {
    this.#take(request);
    const known = this.#known.get(request.socket);
    if (known !== undefined) {
      known.webSocket = request.headers.upgrade?.toLowerCase() === "websocket";
    }
    followNodeUpgrade(request);
  }
}

function activityOf({ busy, request, response, taken, webSocket }: Known): Activity {
  if (webSocket) return "lasting";
  if (taken) return "busy";
  if (busy === 0) return "free";
  if (busy === 1 && response !== null && isEventStream(response)) return "lasting";
  // What has come and is not taken, or not wanted now, is no client that is silent.
  const waits = request !== null && !request.complete && request.readableLength === 0 &&
    (request.readableFlowing === true || request.listenerCount("readable") > 0);
  return waits ? "reading" : "busy";
}

/** True once the head of a response says so. */
function isEventStream(response: ServerResponse): boolean {
  if (!response.headersSent) return false;
  const head: unknown = Reflect.get(response, "_header");
  return typeof head === "string" && /^content-type: *text\/event-stream\b/im.test(head);
}

function isRequest(event: string): boolean {
  return event === "request" || event === "checkContinue" || event === "checkExpectation";
}
