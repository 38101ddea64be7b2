/**
 * Runs in the worker. What proxies say of a request in `X-Forwarded-…` headers. Pure.
 *
 * The headers are those of clients as long as no proxy replaces them, so they are read from their ends,
 * by index: nothing in them makes that take long.
 *
 * @module
 */

import { withoutBlanks } from "../../foreign_text.ts";
import { type Networks, readAddress } from "./networks.ts";
import { isHost } from "../serving/url_host.ts";

/** A client as a proxy names it. */
export interface NamedClient {
  readonly hostname: string;
  /** 0: the proxy does not say. */
  readonly port: number;
}

/**
 * The client: the last address that is none of a proxy's. Whatever stands in front of it may be made up.
 *
 * @param header Value of `X-Forwarded-For`: each proxy has added whom it was asked by.
 * @returns Null if there is no such address.
 */
export function forwardedClient(header: string, proxies: Networks): NamedClient | null {
  let client: NamedClient | null = null;
  for (let end = header.length; end >= 0;) {
    const comma = end === 0 ? -1 : header.lastIndexOf(",", end - 1);
    const named = end - comma > LONGEST_ENTRY ? null : readClient(header.slice(comma + 1, end));
    if (named === null) break;
    client = named;
    if (!proxies.has(named.hostname)) break;
    end = comma;
  }
  return client;
}

/** Characters of an entry, with its comma. An IPv6 address with its brackets and port has 53 at most. */
const LONGEST_ENTRY = 60;

/** An address in its usual form, with a port or without. */
function readClient(entry: string): NamedClient | null {
  const text = withoutBlanks(entry);
  const { host, port } = splitPort(text);
  const hostname = readAddress(host)?.text;
  return hostname === undefined || port === null ? null : { hostname, port };
}

/** `[address]:port`, `[address]`, `address:port` with dots, or an address. Port null: it is none. */
function splitPort(text: string): { readonly host: string; readonly port: number | null } {
  if (text.startsWith("[")) {
    const end = text.indexOf("]");
    const host = text.slice(1, end);
    // What is in brackets has colons: the others have no brackets.
    return {
      host: end < 0 || !host.includes(":") ? "" : host,
      port: readPort(text.slice(end + 1)),
    };
  }
  const colon = text.indexOf(":");
  if (colon < 0 || text.includes(":", colon + 1)) return { host: text, port: 0 };
  return { host: text.slice(0, colon), port: readPort(text.slice(colon)) };
}

/** A port behind a colon; 0: there is nothing; null: it is none. */
function readPort(text: string): number | null {
  if (text === "") return 0;
  const port = /^:\d{1,5}$/.test(text) ? Number(text.slice(1)) : NaN;
  return port <= 65_535 ? port : null;
}

/**
 * The URL as the client knows it; null: it is the one that the request has. On a Unix socket Deno's scheme
 * is `http+unix`, which no client knows: it is `http` as soon as a proxy says anything of the URL.
 *
 * @param proto Value of `X-Forwarded-Proto`, of which the last word counts; so does that of the host.
 */
export function forwardedUrl(
  url: string,
  proto: string | null,
  host: string | null,
): string | null {
  const { scheme, authority, rest } = splitUrl(url);
  const said = lastOf(proto).toLowerCase();
  const saidScheme = said === "http" || said === "https" ? said : null;
  const saidHost = lastOf(host);
  const newHost = isHost(saidHost) ? saidHost : authority;
  const ownScheme = newHost === authority ? scheme : scheme.replace("+unix", "");
  const newScheme = saidScheme ?? ownScheme;
  if (newScheme === scheme && newHost === authority) return null;
  return URL.parse(`${newScheme}://${newHost}${rest}`)?.href ?? null;
}

/** Scheme, host and port, and all that follows them. A URL without `://` is all `rest`. */
function splitUrl(url: string): { scheme: string; authority: string; rest: string } {
  const colon = url.indexOf("://");
  if (colon < 0) return { scheme: "", authority: "", rest: url };
  const begin = colon + "://".length;
  let end = begin;
  while (end < url.length && !"/?#".includes(url.charAt(end))) end++;
  return { scheme: url.slice(0, colon), authority: url.slice(begin, end), rest: url.slice(end) };
}

function lastOf(list: string | null): string {
  return list === null ? "" : withoutBlanks(list.slice(list.lastIndexOf(",") + 1));
}
