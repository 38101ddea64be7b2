/**
 * Runs in the worker. What clients are doing on a node server's connections, and how those end. Requests
 * are seen where the server emits them, before the script sees them.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { together } from "../connections/client_activity.ts";
import type { Activity } from "../connections/connection_times.ts";
import { clientKey } from "../connections/client_connections.ts";
import { EventStreams } from "../connections/event_streams.ts";
import { instanceAccess } from "../instance.ts";
import type { Beginning } from "./node_beginnings.ts";
import { keepRequestVariables, requestVariables } from "../counting/request_annotations.ts";
import { followNodeStream } from "./node_event_streams.ts";
import { followNodeRequest, followNodeUpgrade } from "./node_requests.ts";
import { NodeSessions, type Session } from "./node_sessions.ts";
import type { NodeServer } from "../handler.ts";

const currentInstance = instanceAccess();

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
  /** Its server ends. */
  ending: boolean;
}

/** The connections of one server. */
export class NodeConnections {
  /** How many the server was given. */
  accepted = 0;
  /** Its event streams. */
  readonly events = new EventStreams();
  readonly #sessions = new NodeSessions();
  /** The one that the server is being given. */
  #opening: Socket | null = null;
  readonly #known = new Map<Socket, Known>();
  /** Those that have begun, where something comes first. */
  readonly #begun = new WeakSet<Socket>();
  readonly #isHttp: boolean;
  #beginning: Beginning | null = null;
  #ignored: object | null = null;
  #ending = false;
  readonly #left = new Set<Socket>();
  #empty: (() => void) | null = null;

  /** Follows all connections that the server is going to have. */
  constructor(server: NodeServer) {
    const { emit } = server;
    this.#isHttp = "headersTimeout" in server;
    // Those of TLS are of use once the handshake is done.
    const opened = "setSecureContext" in server ? "secureConnection" : "connection";
    server.emit = (event: string, ...args: readonly unknown[]): boolean => {
      const [first] = args;
      if (this.#ignores(first)) return Reflect.apply(emit, server, [event, ...args]);
      if (event === "connection" && !this.#begun.has(first as Socket)) {
        this.accepted += 1;
        if (this.#beginning !== null) {
          this.#open(first as Socket);
          this.#beginning(first as Socket);
          return true;
        }
      }
      if (event === opened) {
        this.#open(first as Socket);
        // A server of node:http2 makes the session of a connection in the same turn.
        this.#opening = first as Socket;
      } else if (event === "session") this.#beginSession(first as Session);
      else if (event === "stream" && first instanceof Object) {
        followNodeStream(first as ServerHttp2Stream, this.events);
      } else if (isRequest(event)) {
        this.#request(first as IncomingMessage, args[1] as ServerResponse);
      } else if (event === "upgrade") this.#upgrade(first as IncomingMessage);
      else if (event === "connect") this.#take(first as IncomingMessage);
      const result: boolean = Reflect.apply(emit, server, [event, ...args]);
      if (event === opened) this.#opening = null;
      return result;
    };
  }

  /**
   * From now on the server has clients on another socket.
   *
   * @param beginning What its connections begin with; null: nothing that is not the server's business.
   */
  begin(beginning: Beginning | null): void {
    this.#beginning = beginning;
    this.#ending = false;
  }

  /** This connection, which has begun, is the server's now. */
  handOver(server: NodeServer, connection: Socket): void {
    this.#begun.add(connection);
    // What it goes through is not a connection of its own any more.
    const accepted: unknown = Reflect.get(connection, "_parent");
    if (accepted instanceof Object && accepted !== connection) this.#forget(accepted as Socket);
    server.emit("connection", connection);
  }

  /** Tells those that can be told to go: clients of `node:http2`. */
  tellToGo(): void {
    this.#sessions.tellToGo();
  }

  /** A connection that is no client's: it is neither followed nor counted. */
  ignore(socket: object): void {
    this.#ignored = socket;
  }

  /** Ends them: WebSockets with a close frame, idle ones in order, others behind their response. */
  end(): Promise<void> {
    this.#ending = true;
    return new Promise((resolve) => {
      this.#empty = resolve;
      for (const [socket, known] of this.#known) {
        this.#left.add(socket);
        known.ending = true;
        if (this.#sessions.close(socket)) continue;
        if (known.webSocket) socket.end(GOING_AWAY);
        else if (known.busy === 0) socket.end();
      }
      if (this.#left.size === 0) resolve();
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

  /** True for that connection, and for requests on it. */
  #ignores(subject: unknown): boolean {
    if (this.#ignored === null || typeof subject !== "object" || subject === null) return false;
    return subject === this.#ignored || Reflect.get(subject, "socket") === this.#ignored;
  }

  #open(socket: Socket): void {
    if (this.#known.has(socket)) return;
    this.#known.set(socket, {
      busy: 0,
      request: null,
      response: null,
      taken: false,
      webSocket: false,
      ending: this.#ending,
    });
    if (this.#ending) this.#left.add(socket);
    socket.once("close", () => this.#forget(socket));
  }

  #forget(socket: Socket): void {
    this.#known.delete(socket);
    this.#sessions.delete(socket);
    if (this.#left.delete(socket) && this.#left.size === 0) this.#empty?.();
  }

  #beginSession(session: Session): void {
    if (this.#opening !== null) this.#sessions.add(this.#opening, session);
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const known = this.#known.get(socket);
    keepVariables(request);
    if (this.#beginning !== null) this.#note(socket);
    if (known !== undefined) {
      known.busy += 1;
      known.request = request;
      known.response = response;
    }
    followNodeRequest(request, response, this.events);
    response.once("close", () => {
      if (known === undefined) return;
      known.busy -= 1;
      if (known.busy === 0) known.request = known.response = null;
      if (known.ending && known.busy === 0) socket.end();
    });
  }

  /** Behind a handshake of TLS. */
  #note({ remoteAddress, remotePort }: Socket): void {
    if (remoteAddress === undefined || remotePort === undefined) return;
    currentInstance().tls?.note(clientKey(remoteAddress, remotePort));
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
    keepVariables(request);
    followNodeUpgrade(request);
  }
}

/** What a proxy says of a request is known of its connection. */
function keepVariables(request: IncomingMessage): void {
  const variables = requestVariables(request.socket);
  if (variables !== null) keepRequestVariables(request, variables);
}

function activityOf({ busy, request, response, taken, webSocket }: Known): Activity {
  if (webSocket) return "lasting";
  if (taken) return "busy";
  if (busy === 0) return "free";
  if (busy === 1 && response !== null && sendsEvents(response)) return "lasting";
  // What has come and is not taken, or not wanted now, is no client that is silent.
  const waits = request !== null && !request.complete && request.readableLength === 0 &&
    (request.readableFlowing === true || request.listenerCount("readable") > 0);
  return waits ? "reading" : "busy";
}

/** True once the head of a response says so. */
function sendsEvents(response: ServerResponse): boolean {
  if (!response.headersSent) return false;
  const head: unknown = Reflect.get(response, "_header");
  return typeof head === "string" && /^content-type: *text\/event-stream\b/im.test(head);
}

function isRequest(event: string): boolean {
  return event === "request" || event === "checkContinue" || event === "checkExpectation";
}
