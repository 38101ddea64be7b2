/**
 * Runs in the worker. What proxies say of a request in `X-Forwarded-…` headers. Pure.
 *
 * @module
 */

import { addressBytes, type Networks } from "./networks.ts";

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
  for (const entry of header.split(",").reverse()) {
    const named = readClient(entry.trim());
    if (named === null) break;
    client = named;
    if (!proxies.has(named.hostname)) break;
  }
  return client;
}

/** An address, with a port or without. */
function readClient(entry: string): NamedClient | null {
  const [, bracketed, plain, port] =
    /^(?:\[([^\]]+)\]|([\d.]+|[\da-f:.]*:[\da-f:.]*:[\da-f:.]*?))(?::(\d{1,5}))?$/i.exec(entry) ??
      [];
  const hostname = bracketed ?? plain ?? "";
  return addressBytes(hostname) === null ? null : { hostname, port: Number(port ?? 0) };
}

/** Anything that would end the host in a URL is none. */
const HOST = /^[^\s/?#@\\]+$/;

/**
 * The URL as the client knows it; null: it is the one that the request has.
 *
 * @param proto Value of `X-Forwarded-Proto`, of which the last word counts; so does that of the host.
 */
export function forwardedUrl(
  url: string,
  proto: string | null,
  host: string | null,
): string | null {
  const [, scheme = "", authority = "", rest = ""] = /^(\w+):\/\/([^/?#]*)(.*)$/s.exec(url) ?? [];
  const said = lastOf(proto).toLowerCase();
  const newScheme = said === "http" || said === "https" ? said : scheme;
  const saidHost = lastOf(host);
  const newHost = HOST.test(saidHost) ? saidHost : authority;
  if (newScheme === scheme && newHost === authority) return null;
  return URL.parse(`${newScheme}://${newHost}${rest}`)?.href ?? null;
}

function lastOf(list: string | null): string {
  return list?.split(",").at(-1)?.trim() ?? "";
}
