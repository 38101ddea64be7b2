/**
 * Host names to numeric addresses, as the system resolves them (getaddrinfo(3)).
 *
 * @module
 */

const NUMERIC = /^(\d+\.\d+\.\d+\.\d+|(?=[^:]*:)[0-9a-fA-F:.]+)$/;

/**
 * The numeric address to bind for a host as configured; empty means all IPv4 addresses.
 *
 * @throws {Error} If the name is unknown.
 */
export async function resolveHost(host: string): Promise<string> {
  if (host === "") return "0.0.0.0";
  if (NUMERIC.test(host)) return host;
  // Only a name needs Node's resolver, which is worth some megabytes of the master's memory.
  const { lookup } = await import("node:dns/promises");
  try {
    return (await lookup(host)).address;
  } catch {
    throw new Error(`the host name "${host}" cannot be resolved: correct it or use an address`);
  }
}
