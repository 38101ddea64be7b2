/**
 * Which hosts a client may mean when it asks the master over HTTP. A page of another site can make the
 * browser of an operator ask by a name of that site which leads to this machine (DNS rebinding): the
 * header `Host` then has that name, because pages can't change it. Pure: no name is looked up.
 *
 * @module
 */

/** No host name is longer (RFC 1035, 2.3.4); with a port and some room. */
const LONGEST = 262;

/**
 * True if a host is an IP address, `localhost`, or one of the names, with whatever port.
 *
 * @param host What a request has for `Host`; null or empty: nothing, as browsers never do.
 * @param names In lower case; `*.NAME` is every name below NAME, `*` every name.
 */
export function isKnownHost(host: string | null, names: readonly string[]): boolean {
  if (host === null || host === "" || names.includes("*")) return true;
  if (host.length > LONGEST) return false;
  const name = nameOf(host);
  if (name === null) return false;
  return name === "localhost" || isIpAddress(name) ||
    names.some((one) => one.startsWith("*.") ? name.endsWith(one.slice(1)) : name === one);
}

/** In lower case, without port and without the dot that may end it; null: it has no such form. */
function nameOf(host: string): string | null {
  const bracket = host.startsWith("[") ? host.indexOf("]") : 0;
  if (bracket < 0) return null;
  const colon = host.indexOf(":", bracket);
  if (colon >= 0 && !/^:\d{0,5}$/.test(host.slice(colon))) return null;
  const name = (colon < 0 ? host : host.slice(0, colon)).toLowerCase();
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

/** As URLs write it: four numbers, or an IPv6 address in brackets. Browsers write other forms anew. */
function isIpAddress(name: string): boolean {
  if (name.startsWith("[")) return /^\[[\da-f:.]{2,45}\]$/.test(name);
  const parts = name.split(".", 5);
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
}
