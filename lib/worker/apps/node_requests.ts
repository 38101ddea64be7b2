/**
 * Runs in the worker. Counts the requests of a node server, tells the request log of them, and while the
 * worker retires lets their responses ask the clients to go.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { clientKey } from "../connections/client_connections.ts";
import type { EventStreams } from "../connections/event_streams.ts";
import { instanceAccess } from "../instance.ts";
import type { RequestFacts, RequestRecord } from "../request_record.ts";
import { requestMeter } from "../counting/request_meter.ts";
import { followNodeEventStream } from "./node_event_streams.ts";
import { closingRule } from "../connections/connection_close_rule.ts";

const currentInstance = instanceAccess();

/** The status of an upgrade; that of a response that never came has no place in any count. */
const SWITCHING_PROTOCOLS = 101;
const NO_STATUS = 0;

/** A request begins; it is over for the meter with the head of its response, for the log with its end. */
export function followNodeRequest(
  request: IncomingMessage,
  response: ServerResponse,
  events: EventStreams,
): void {
  const meter = requestMeter();
  const begun = meter.begin({ method: request.method ?? "", url: request.url ?? "" });
  const open = openInLog(request);
  const connection = connectionOf(request);
  const mayClose = closingRule()?.mayClose(connection, performance.now()) ?? false;
  let bytes: number | null = null;
  let answered = false;
  const { writeHead } = response;
  const head: unknown = (...args: readonly unknown[]): ServerResponse => {
    if (!answered) askToGo(request, response, connection, mayClose);
    const result: ServerResponse = Reflect.apply(writeHead, response, args);
    if (answered) return result;
    answered = true;
    followNodeEventStream(response, events);
    bytes = request.method === "HEAD" ? 0 : declaredSize(response);
    meter.answered(begun, response.statusCode, bytes ?? 0);
    return result;
  };
  response.writeHead = head as typeof writeHead;
  response.once("close", () => {
    if (!answered) meter.answered(begun, NO_STATUS, 0);
    if (open === null) return;
    const failed = !response.writableFinished;
    const status = answered ? response.statusCode : NO_STATUS;
    currentInstance().requestLog?.end(open, status, bytes, failed);
  });
}

/** A request that becomes something else, a WebSocket for example, has its response at once. */
export function followNodeUpgrade(request: IncomingMessage): void {
  const meter = requestMeter();
  const begun = meter.begin({ method: request.method ?? "", url: request.url ?? "" });
  meter.answered(begun, SWITCHING_PROTOCOLS, 0);
  const open = openInLog(request);
  if (open === null) return;
  currentInstance().requestLog?.end(open, SWITCHING_PROTOCOLS, null, false);
}

/** Adds `Connection: close` where the rule allows it. */
function askToGo(
  { socket, httpVersionMajor }: IncomingMessage,
  response: ServerResponse,
  connection: string,
  mayClose: boolean,
): void {
  const rule = closingRule();
  // HTTP/2 has no such header: its clients are told otherwise.
  if (rule === null || response.headersSent || httpVersionMajor >= 2) return;
  rule.responded(connection, performance.now());
  if (!mayClose) return;
  response.shouldKeepAlive = false;
  response.setHeader("connection", "close");
  // Node would close it at once, and a request that crosses the response would meet a reset.
  socket.destroySoon = () => void socket.end();
}

function connectionOf({ socket: { remoteAddress, remotePort } }: IncomingMessage): string {
  return remoteAddress === undefined || remotePort === undefined
    ? ""
    : clientKey(remoteAddress, remotePort);
}

/** Node adds the length of a body that it is given as a whole. */
function declaredSize(response: ServerResponse): number | null {
  const head: unknown = Reflect.get(response, "_header");
  const size = typeof head === "string"
    ? /^content-length: *(\d{1,15})\r$/im.exec(head)?.[1]
    : null;
  return size === null || size === undefined ? null : Number(size);
}

function openInLog(request: IncomingMessage): RequestRecord | null {
  const { requestLog } = currentInstance();
  return requestLog?.begin(request, factsOf(request, requestLog.headers)) ?? null;
}

function factsOf(request: IncomingMessage, headers: readonly string[]): RequestFacts {
  const { method = "", url = "", httpVersion, socket } = request;
  return {
    method,
    uri: url,
    address: socket.remoteAddress ?? "",
    port: socket.remotePort ?? 0,
    secure: "encrypted" in socket,
    protocol: `HTTP/${httpVersion}`,
    headers: headers.map((name) => headerText(request.headers[name])),
  };
}

function headerText(value: string | readonly string[] | undefined): string | null {
  if (value === undefined) return null;
  return typeof value === "string" ? value : value.join(", ");
}
