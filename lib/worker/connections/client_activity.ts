/**
 * Runs in the worker. What the requests of `Deno.serve` say of their connections: which are at work, whose
 * response is a stream that is being sent, and which connection has become a WebSocket. Asked for now and
 * then, by whoever ends connections that take too long.
 *
 * To ask for a client's address costs a third of a short request, so it is asked for only where a request
 * lasts.
 *
 * @module
 */

import type { Activity } from "./connection_times.ts";
import { speaksHttp2 } from "./connection_close_rule.ts";
import { clientKey } from "./client_connections.ts";
import { isEventStream } from "./event_streams.ts";
import { passOnErrors } from "../passed_on.ts";

type Info = Pick<Deno.ServeHandlerInfo<Deno.Addr>, "remoteAddr" | "completed">;

/** How often each name was added. */
class Counted {
  readonly #counts = new Map<string, number>();

  /** Once more. */
  add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  /** Once less. */
  remove(name: string): void {
    const count = this.#counts.get(name) ?? 0;
    if (count > 1) this.#counts.set(name, count - 1);
    else this.#counts.delete(name);
  }

  /** Those that are there. */
  names(): Iterable<string> {
    return this.#counts.keys();
  }
}

/** A request whose handler has not answered yet: a link in the chain of all of them. */
export interface Exchange {
  readonly request: Request;
  readonly info: Info;
  before: Exchange | null;
  after: Exchange | null;
}

/** The request whose handler was called last; others are in the chain. */
const latest: { request: Request | null; info: Info | null } = { request: null, info: null };

let newest: Exchange | null = null;

/** A handler is about to be called. */
export function noteRequest(request: Request, info: Info): void {
  latest.request = request;
  latest.info = info;
}

/** A handler has not answered at once. */
export function beginExchange(request: Request, info: Info): Exchange {
  const exchange: Exchange = { request, info, before: newest, after: null };
  if (newest !== null) newest.after = exchange;
  return newest = exchange;
}

/** It has answered. */
export function endExchange({ before, after }: Exchange): void {
  if (before !== null) before.after = after;
  if (after === null) newest = before;
  else after.before = before;
}

/** Responses that are being sent, by client. Clients of Unix sockets have no names, and one entry. */
const sending = new Counted();
/** The event streams among them, which have no end of their own. */
const eventStreams = new Counted();
/** The clients of HTTP/2 among them. */
const sendingHttp2 = new Counted();

/** The response is a stream, which may take as long as it likes. */
export function noteStream(
  request: Request,
  info: Info,
  { headers }: Pick<Response, "headers">,
): void {
  const client = nameOf(info);
  const kinds = [isEventStream(headers.get("content-type")) ? eventStreams : sending];
  if (client !== "" && speaksHttp2(request.headers)) kinds.push(sendingHttp2);
  for (const kind of kinds) kind.add(client);
  const sent = () => {
    for (const kind of kinds) kind.remove(client);
  };
  info.completed.then(sent, sent);
}

/** Clients whose connection has become a WebSocket. */
const upgraded = new Set<string>();
/** Their WebSockets, and whose they are. */
const webSockets = new Map<WebSocket, string>();

/** From now on it is known which connections become WebSockets. Called before the script runs. */
export function followUpgrades(): void {
  const found = Object.getOwnPropertyDescriptor(Deno, "upgradeWebSocket");
  if (found === undefined) return;
  // It is loaded by Deno when it is asked for, which a start does not wait for.
  const original = (): typeof Deno.upgradeWebSocket => found.value ?? found.get?.call(Deno);
  const value: typeof Deno.upgradeWebSocket = (...args) => {
    // An upgrade takes the client's address away.
    const client = noteUpgrade(args[0]);
    const upgrade = passOnErrors(value, () => original()(...args));
    followWebSocket(upgrade.socket, client);
    return upgrade;
  };
  Object.defineProperty(Deno, "upgradeWebSocket", {
    value,
    writable: true,
    configurable: true,
    enumerable: found.enumerable ?? true,
  });
}

function noteUpgrade(request: Request): string {
  const info = latest.request === request ? latest.info : infoInChain(request);
  const client = info === null ? "" : nameOf(info);
  if (client !== "") upgraded.add(client);
  return client;
}

function followWebSocket(socket: WebSocket, client: string): void {
  socket.addEventListener("open", () => webSockets.set(socket, client));
  socket.addEventListener("close", () => {
    webSockets.delete(socket);
    upgraded.delete(client);
  });
}

/** The code of a close frame that says "going away" (RFC 6455, 7.4.1). */
const GOING_AWAY = 1001;

/** Ends the WebSockets that there are, in order. */
export function endWebSockets(): void {
  for (const socket of webSockets.keys()) {
    if (socket.readyState === WebSocket.OPEN) socket.close(GOING_AWAY);
  }
}

function infoInChain(request: Request): Info | null {
  for (let one = newest; one !== null; one = one.before) {
    if (one.request === request) return one.info;
  }
  return null;
}

/** The name of a request's client; empty: it has none, or has gone. */
function nameOf(info: Info): string {
  try {
    const { remoteAddr: address } = info;
    return address.transport === "tcp" ? clientKey(address.hostname, address.port) : "";
  } catch {
    return "";
  }
}

/** What is known of clients now; who is not among them is free. */
export function clientActivity(): Map<string, Activity> {
  const known = new Map<string, Activity>();
  for (let one = newest; one !== null; one = one.before) {
    const client = nameOf(one.info);
    // Of several streams of HTTP/2 one that is not waiting for its client is enough.
    const reads = known.get(client) !== "busy" && awaitsBody(one.request);
    known.set(client, reads ? "reading" : "busy");
  }
  for (const client of sending.names()) known.set(client, "busy");
  for (const clients of [eventStreams.names(), upgraded, webSockets.values()]) {
    for (const client of clients) {
      known.set(client, (known.get(client) ?? "lasting") === "lasting" ? "lasting" : "busy");
    }
  }
  return known;
}

/** The clients of HTTP/2 that have a stream at work now; their names. */
export function http2AtWork(): Set<string> {
  const found = new Set<string>(sendingHttp2.names());
  for (let one = newest; one !== null; one = one.before) {
    const client = nameOf(one.info);
    try {
      if (client !== "" && speaksHttp2(one.request.headers)) found.add(client);
    } catch {
      // The request has ended.
    }
  }
  return found;
}

/** What several connections with one name are doing: what there is most to say of. */
export function together(one: Activity = "free", other: Activity = "free"): Activity {
  const order: readonly Activity[] = ["busy", "reading", "lasting"];
  return order.find((activity) => activity === one || activity === other) ?? "free";
}

/** A connection of a proxy, and the client that it speaks for there, by their names. */
interface Relay {
  readonly connection: string;
  readonly client: string;
}

const relays = new Set<Relay>();

/**
 * What comes on a connection is handed on, in the name of another client.
 *
 * @returns Forgets it.
 */
export function noteRelay(relay: Relay): () => void {
  relays.add(relay);
  return () => void relays.delete(relay);
}

/** What clients are doing by the connections of their proxies; `known`: by their own names. */
export function relayActivity(
  known: ReadonlyMap<string, Activity> = clientActivity(),
): Map<string, Activity> {
  const found = new Map<string, Activity>();
  for (const { connection, client } of relays) {
    found.set(connection, together(found.get(connection), known.get(client)));
  }
  return found;
}

/** Forgets the WebSockets of clients that are not connected any more. */
export function forgetUpgrades(isConnected: (client: string) => boolean): void {
  for (const client of upgraded) {
    if (!isConnected(client)) upgraded.delete(client);
  }
}

/**
 * True if the script has begun to read a body whose end has not come. Deno keeps that in a stream under
 * the names of the Streams Standard; where a version of Deno keeps it elsewhere, nobody waits.
 */
function awaitsBody(request: Request): boolean {
  try {
    if (!request.bodyUsed || request.body === null) return false;
    const { body } = request;
    if (internal(body, "[[state]]") !== "readable") return false;
    const controller = internal(body, "[[controller]]");
    const reader = internal(body, "[[reader]]");
    // A loop over the body that is doing something else with its last piece does not wait.
    const loops = reader !== undefined && internal(reader, "[[iteratorNext]]") === null;
    return !loops || internal(controller, "[[pulling]]") === true;
  } catch {
    // The request has ended.
    return false;
  }
}

function internal(object: unknown, name: string): unknown {
  if (typeof object !== "object" || object === null) return undefined;
  const at = Object.getOwnPropertySymbols(object).find(({ description }) => description === name);
  return at === undefined ? undefined : Reflect.get(object, at);
}
