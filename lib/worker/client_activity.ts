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

import type { Activity } from "./clients/judge.ts";
import { speaksHttp2 } from "./closing_rule.ts";
import { clientKey } from "./connections.ts";
import { passOnErrors } from "./passed_on.ts";

type Info = Pick<Deno.ServeHandlerInfo<Deno.Addr>, "remoteAddr" | "completed">;

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

/** Responses that are being sent, by client, and whether that one speaks HTTP/2. */
const sending = new Map<string, { readonly count: number; readonly http2: boolean }>();

/** The response is a stream, which may take as long as it likes. */
export function noteStream(request: Request, info: Info): void {
  const client = nameOf(info);
  if (client === "") return;
  const http2 = speaksHttp2(request.headers);
  sending.set(client, { count: (sending.get(client)?.count ?? 0) + 1, http2 });
  const sent = () => {
    const count = sending.get(client)?.count ?? 0;
    if (count > 1) sending.set(client, { count: count - 1, http2 });
    else sending.delete(client);
  };
  info.completed.then(sent, sent);
}

/** Clients whose connection has become a WebSocket. */
const upgraded = new Set<string>();

/** From now on it is known which connections become WebSockets. Called before the script runs. */
export function followUpgrades(): void {
  const found = Object.getOwnPropertyDescriptor(Deno, "upgradeWebSocket");
  if (found === undefined) return;
  // It is loaded by Deno when it is asked for, which a start does not wait for.
  const original = (): typeof Deno.upgradeWebSocket => found.value ?? found.get?.call(Deno);
  const value: typeof Deno.upgradeWebSocket = (...args) => {
    // An upgrade takes the client's address away.
    noteUpgrade(args[0]);
    return passOnErrors(value, () => original()(...args));
  };
  Object.defineProperty(Deno, "upgradeWebSocket", {
    value,
    writable: true,
    configurable: true,
    enumerable: found.enumerable ?? true,
  });
}

function noteUpgrade(request: Request): void {
  const info = latest.request === request ? latest.info : infoInChain(request);
  const client = info === null ? "" : nameOf(info);
  if (client !== "") upgraded.add(client);
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
  for (const client of sending.keys()) known.set(client, "busy");
  for (const client of upgraded) known.set(client, "busy");
  return known;
}

/** The clients of HTTP/2 that have a stream at work now; their names. */
export function http2AtWork(): Set<string> {
  const found = new Set<string>();
  for (const [client, { http2 }] of sending) {
    if (http2) found.add(client);
  }
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
