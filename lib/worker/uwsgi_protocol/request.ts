/**
 * Runs in the worker. What the variables of a request mean: they are those of CGI (RFC 3875, 4.1), as
 * nginx's `uwsgi_params` sets them. Pure.
 *
 * @module
 */

import { readAddress } from "../forwarded/networks.ts";
import { isHost } from "../serving/url_host.ts";
import { Refusal, type Variables } from "./packet.ts";

/** What a `Request` is made from. */
export interface RequestHead {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  /** Bytes of the body. */
  readonly length: number;
  /** The client as the proxy names it, by an IP address or nothing; null: it does not name one. */
  readonly client: { readonly hostname: string; readonly port: number } | null;
}

/** The last value of each name. */
export type VariableMap = ReadonlyMap<string, string>;

/**
 * Makes the head of a request from its variables.
 *
 * @throws {Refusal} If they do not describe a request.
 */
export function requestHead(variables: Variables, named: VariableMap): RequestHead {
  const method = named.get("REQUEST_METHOD") ?? "";
  if (method === "") throw new Refusal(400, "there is no REQUEST_METHOD: include uwsgi_params");
  return {
    method,
    url: urlOf(named),
    headers: headersOf(variables),
    length: lengthOf(named.get("CONTENT_LENGTH") ?? ""),
    client: clientOf(named),
  };
}

function lengthOf(text: string): number {
  if (text === "") return 0;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new Refusal(400, `CONTENT_LENGTH is no length: ${JSON.stringify(text.slice(0, 40))}`);
}

function clientOf(named: VariableMap): RequestHead["client"] {
  const hostname = named.get("REMOTE_ADDR") ?? "";
  if (hostname === "") return null;
  const text = named.get("REMOTE_PORT") ?? "";
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  // What is no address (nginx says `unix:` of its own Unix sockets) is nobody's: the proxy's own
  // address in its place could be one that is believed.
  return { hostname: readAddress(hostname)?.text ?? "", port: port <= 65_535 ? port : 0 };
}

function urlOf(named: VariableMap): string {
  const url = URL.parse(`${schemeOf(named)}://${hostOf(named)}${targetOf(named)}`);
  if (url === null) throw new Refusal(400, "HTTP_HOST and REQUEST_URI are no URL");
  return url.href;
}

function schemeOf(named: VariableMap): "http" | "https" {
  return isSecure(named) ? "https" : "http";
}

/** True if the client has come to the proxy by TLS. */
export function isSecure(named: VariableMap): boolean {
  const https = named.get("HTTPS") ?? "";
  return https === ""
    ? (named.get("REQUEST_SCHEME") ?? named.get("UWSGI_SCHEME")) === "https"
    : /^(on|1)$/i.test(https);
}

function hostOf(named: VariableMap): string {
  const host = named.get("HTTP_HOST") ?? "";
  if (host === "") return serverOf(named);
  if (isHost(host)) return host;
  throw new Refusal(400, "HTTP_HOST is no host");
}

function serverOf(named: VariableMap): string {
  const name = named.get("SERVER_NAME") ?? "";
  const port = named.get("SERVER_PORT") ?? "";
  // nginx's default server may be called "_", or nothing.
  const host = /^[\w.:[\]-]+$/.test(name) && name !== "_" ? name : "localhost";
  return /^\d{1,5}$/.test(port) ? `${host}:${port}` : host;
}

/** Path and query as the client sent them. */
function targetOf(named: VariableMap): string {
  const target = named.get("REQUEST_URI") ?? "";
  if (target !== "") return encoded(target.startsWith("/") ? target : `/${target}`);
  const path = (named.get("SCRIPT_NAME") ?? "") + (named.get("PATH_INFO") ?? "");
  const query = named.get("QUERY_STRING") ?? "";
  // This path has been decoded already.
  const written = encoded(path.replace(/[%?#]/g, (one) => percent(one.charCodeAt(0))));
  return `${path.startsWith("/") ? "" : "/"}${written}${query === "" ? "" : `?${encoded(query)}`}`;
}

/** A URL would drop some of these bytes, and take others for characters. */
function encoded(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, (one) => percent(one.charCodeAt(0)));
}

function percent(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}

/** They are about the connection with the client, or have no place in HTTP/1.0. */
const NOT_FORWARDED: ReadonlySet<string> = new Set([
  "connection",
  "expect",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** What a client wants its connection to become, a WebSocket for example (RFC 9110, 7.8); null: nothing. */
export function upgradeOf({ method, headers, length }: RequestHead): string | null {
  const options = (headers.get("connection") ?? "").toLowerCase().split(",");
  const isAsked = options.some((one) => one.trim() === "upgrade");
  return method === "GET" && length === 0 && isAsked ? headers.get("upgrade") : null;
}

/**
 * Writes the head of a request in HTTP/1.0, or of one to upgrade in HTTP/1.1, with the target as the client
 * sent it.
 *
 * @throws {Refusal} If the method is none.
 */
export function httpHead(
  { method, headers, length }: RequestHead,
  named: VariableMap,
  upgrade: string | null = null,
): Uint8Array<ArrayBuffer> {
  if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(method)) throw new Refusal(400, "REQUEST_METHOD is no method");
  const lines = [`${method} ${targetOf(named)} HTTP/1.${upgrade === null ? 0 : 1}`];
  if (upgrade !== null) lines.push("connection: upgrade", `upgrade: ${upgrade}`);
  if (!headers.has("host")) lines.push(`host: ${hostOf(named)}`);
  for (const [name, value] of headers) {
    if (!NOT_FORWARDED.has(name) && name !== "content-length") lines.push(`${name}: ${value}`);
  }
  if (length > 0 || named.get("CONTENT_LENGTH")) lines.push(`content-length: ${length}`);
  // Headers are bytes, one for each character.
  return Uint8Array.from(`${lines.join("\r\n")}\r\n\r\n`, (one) => one.charCodeAt(0));
}

/** What comes as a variable of its own, or is the business of the connection with the proxy. */
const NO_HEADER: ReadonlySet<string> = new Set([
  "HTTP_CONTENT_LENGTH",
  "HTTP_CONTENT_TYPE",
  "HTTP_TRANSFER_ENCODING",
]);

function headersOf(variables: Variables): Headers {
  const headers = new Headers();
  for (const [name, value] of variables) {
    const header = headerName(name);
    if (header === null || value === "") continue;
    try {
      const cookies = header === "cookie" ? headers.get(header) : null;
      // Several of them are one list, which has no commas (RFC 6265, 5.4).
      if (cookies === null) headers.append(header, value);
      else headers.set(header, `${cookies}; ${value}`);
    } catch {
      throw new Refusal(400, `${JSON.stringify(name.slice(0, 60))} cannot be a header`);
    }
  }
  return headers;
}

function headerName(variable: string): string | null {
  if (variable === "CONTENT_TYPE" || variable === "CONTENT_LENGTH") return dashed(variable);
  if (!variable.startsWith("HTTP_") || NO_HEADER.has(variable)) return null;
  return dashed(variable.slice("HTTP_".length));
}

function dashed(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}
