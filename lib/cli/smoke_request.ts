/**
 * What a smoke run asks of a socket: one request for a page, or only whether somebody accepts.
 *
 * @module
 */

import type { HostSocket } from "../master/operators/in_process.ts";
import { parseConnectAddress } from "../system/sockets/connect_address.ts";
import { fulfilledWithin } from "../system/timing.ts";

/** A server may take this long for the head of its answer (10 s). */
const PATIENCE_MS = 10_000;
/** What is longer is no head (64 KiB). */
const LONGEST_HEAD = 64 * 1024;

/**
 * Connects, and closes the connection again.
 *
 * @throws {Error} If nobody accepts; the message says why.
 */
export async function probeConnect(address: string): Promise<string> {
  (await connectTo(address)).close();
  return "somebody accepts";
}

/**
 * GETs a page with a connection of its own, and waits for the head of the answer.
 *
 * @param socket What is spoken there; the answer is the same in both.
 * @param certificate The file with the certificate that is expected, for whatever name; null: no TLS.
 * @returns The status in words.
 * @throws {Error} If there is no answer, none of HTTP, or one with a status from 400 on.
 */
export async function request(
  { address, protocol }: HostSocket,
  path: string,
  certificate: string | null,
): Promise<string> {
  const connection = certificate === null
    ? await connectTo(address)
    : await secured(await connectTo(address), certificate);
  try {
    const host = parseConnectAddress(address).host ?? "localhost";
    const bytes = protocol === "uwsgi-socket" ? uwsgiRequest(path, host) : httpRequest(path, host);
    const head = headOf(connection, bytes);
    // An answer that comes too late meets a closed connection.
    head.catch(() => {});
    if (!await fulfilledWithin(head, PATIENCE_MS)) {
      throw new Error(`no answer within ${PATIENCE_MS / 1000} s`);
    }
    return checkResponse(await head);
  } finally {
    connection.close();
  }
}

/**
 * What the head of an answer says, as `200 OK`.
 *
 * @throws {Error} If it is no success.
 */
export function checkResponse(head: string): string {
  if (head === "") throw new Error(`the connection was closed without an answer: ${NO_HTTP}`);
  const [, code, reason = ""] = /^HTTP\/1\.[01] (\d{3})(?: ([^\r\n]*))?/.exec(head) ?? [];
  if (code === undefined) throw new Error(`the answer is not HTTP: ${NO_HTTP}`);
  const status = `${code} ${reason}`.trimEnd();
  if (Number(code) >= 400) throw new Error(`the answer is ${status}`);
  return status;
}

const NO_HTTP = "for scripts that speak no HTTP there is --smoke=connect";

async function connectTo(address: string): Promise<Deno.Conn> {
  const connecting = parseConnectAddress(address).connect();
  // A connection that comes about after that is of no use.
  const late = () => void connecting.then((connection) => connection.close()).catch(() => {});
  if (await fulfilledWithin(connecting, PATIENCE_MS)) return await connecting;
  late();
  throw new Error(`nobody accepts within ${PATIENCE_MS / 1000} s`);
}

/** The handshake comes with the first bytes. */
async function secured(connection: Deno.Conn, certificate: string): Promise<Deno.Conn> {
  return await Deno.startTls(connection as Deno.TcpConn, {
    caCerts: [await Deno.readTextFile(certificate)],
    unsafelyDisableHostnameVerification: true,
  });
}

function httpRequest(path: string, host: string): Uint8Array {
  return new TextEncoder().encode(
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: duwsgi-smoke\r\nConnection: close\r\n\r\n`,
  );
}

/** A packet of the uwsgi protocol: modifiers 0, and the variables that a web server sends. */
export function uwsgiRequest(path: string, host: string): Uint8Array {
  const encoder = new TextEncoder();
  const [pathname = "", query = ""] = path.split(/\?(.*)/s);
  const variables = {
    REQUEST_METHOD: "GET",
    REQUEST_URI: path,
    PATH_INFO: pathname,
    QUERY_STRING: query,
    SERVER_PROTOCOL: "HTTP/1.1",
    HTTP_HOST: host,
  };
  const parts = Object.entries(variables).flat().map((text) => encoder.encode(text))
    .flatMap((bytes) => [...littleEndian(bytes.length), ...bytes]);
  return new Uint8Array([0, ...littleEndian(parts.length), 0, ...parts]);
}

function littleEndian(size: number): [low: number, high: number] {
  return [size & 0xff, size >> 8];
}

async function headOf(connection: Deno.Conn, bytes: Uint8Array): Promise<string> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4096);
  let head = "";
  while (!head.includes("\r\n\r\n") && head.length < LONGEST_HEAD) {
    const read = await connection.read(buffer);
    if (read === null) break;
    head += decoder.decode(buffer.subarray(0, read), { stream: true });
  }
  return head;
}
