/**
 * The address syntax of `socket` and `http-socket`, as uWSGI has it: anything with a colon is TCP,
 * `@` starts an abstract name, `fd://` is an inherited socket by number or name, everything else is a
 * path, unless it is plainly a host whose port was forgotten.
 *
 * @module
 */

/** A listening address, parsed. */
export type Address = TcpAddress | UnixAddress | AbstractAddress | FdAddress | PassedAddress;

/** A TCP address; the host is resolved when it is bound. */
export interface TcpAddress {
  /** Tells the kinds apart. */
  readonly kind: "tcp";
  /** Name or number of the host, without brackets. Empty: all IPv4 addresses. */
  readonly host: string;
  /** 0 lets the kernel choose. */
  readonly port: number;
  /** Whether the host was written in brackets. */
  readonly ipv6: boolean;
}

/** A Unix domain socket in the file system, see unix(7). */
export interface UnixAddress {
  /** Tells the kinds apart. */
  readonly kind: "unix";
  /** As written, absolute or not. */
  readonly path: string;
}

/** A Unix domain socket in Linux's abstract namespace, see unix(7); its name has no leading NUL. */
export interface AbstractAddress {
  /** Tells the kinds apart. */
  readonly kind: "abstract";
  /** Without what stands before it. */
  readonly name: string;
}

/** A listening socket that the parent process opened. */
export interface FdAddress {
  /** Tells the kinds apart. */
  readonly kind: "fd";
  /** Its number. */
  readonly fd: number;
}

/** A listening socket that the service manager passed under a name, see systemd.socket(5). */
export interface PassedAddress {
  /** Tells the kinds apart. */
  readonly kind: "passed";
  /** Without what stands before it. */
  readonly name: string;
}

/** Bytes of `sun_path` in unix(7), less the NUL that ends a path or starts an abstract name. */
const LONGEST_NAME = 107;
const LARGEST_FD = 0x7fff_ffff;

/**
 * Parses `host:port`, `:port`, `[::1]:port`, `addr:` (port 0), `/path`, `relative.sock`, `@name`,
 * `fd://N` or `fd://name`.
 *
 * @throws {SyntaxError} When it is none of them; the message says which part is wrong.
 */
export function parseAddress(text: string): Address {
  const address = text.trim();
  if (address === "") throw new SyntaxError("The address is empty");
  if (address.includes("\0")) throw new SyntaxError("The address has a NUL character in it");
  if (address.startsWith("fd://")) return parseInherited(address.slice(5));
  if (address.startsWith("@")) {
    if (address === "@") throw new SyntaxError("The abstract name after @ is empty");
    return { kind: "abstract", name: limited(address.slice(1), "abstract name") };
  }
  if (address.includes(":")) return parseTcp(address);
  if (/^=[0-9]+$/.test(address)) {
    throw new SyntaxError(
      `Shared sockets such as ${address} do not exist: write the address itself`,
    );
  }
  if (/^[0-9]+$/.test(address)) {
    throw new SyntaxError(`A bare number is no address: write :${address} for a port`);
  }
  if (isBareHost(address)) {
    throw new SyntaxError(
      `"${address}" is a host without a port: write ${address}:8080, or ./${address} for a path`,
    );
  }
  return { kind: "unix", path: limited(address, "path") };
}

/**
 * The canonical text of an address. Two texts that parse to the same address have the same
 * canonical text; `parseAddress()` reads it back.
 */
export function formatAddress(address: Address): string {
  switch (address.kind) {
    case "tcp":
      return `${address.ipv6 ? `[${address.host}]` : address.host}:${address.port}`;
    case "unix":
      return address.path;
    case "abstract":
      return `@${address.name}`;
    case "fd":
      return `fd://${address.fd}`;
    case "passed":
      return `fd://${address.name}`;
  }
}

function parseTcp(text: string): TcpAddress {
  if (/^[a-z0-9]+:\/\//i.test(text)) {
    throw new SyntaxError(`"${text}" is a URL: write host:port, a path, @name or fd://N`);
  }
  if (text.startsWith("[")) {
    const parts = /^\[([^\[\]]*)\]:([^:]*)$/.exec(text);
    if (parts === null) {
      throw new SyntaxError(`"${text}" is no IPv6 address with a port: write it like [::1]:8080`);
    }
    const host = (parts[1] ?? "").replace(/^[^%]*/, (number) => number.toLowerCase());
    if (!isIpv6(host)) throw new SyntaxError(`"${host}" is no IPv6 address`);
    return { kind: "tcp", host, port: parsePort(parts[2] ?? ""), ipv6: true };
  }
  const colon = text.indexOf(":");
  if (text.includes(":", colon + 1)) {
    throw new SyntaxError(`"${text}" has more than one colon: write IPv6 addresses as [::1]:8080`);
  }
  const host = text.slice(0, colon).toLowerCase();
  if (!isHost(host)) throw new SyntaxError(`"${host}" is no host name or IPv4 address`);
  return { kind: "tcp", host, port: parsePort(text.slice(colon + 1)), ipv6: false };
}

function parsePort(text: string): number {
  if (text === "") return 0;
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : NaN;
  if (!(port <= 65535)) throw new SyntaxError(`"${text}" is no port from 0 to 65535`);
  return port;
}

function parseInherited(text: string): FdAddress | PassedAddress {
  if (/^[^-:\s][^:\s]*$/.test(text) && !/^[0-9]+$/.test(text)) {
    return { kind: "passed", name: text };
  }
  const fd = /^[0-9]{1,10}$/.test(text) ? Number(text) : NaN;
  if (fd <= LARGEST_FD) return { kind: "fd", fd };
  throw new SyntaxError(`"${text}" is no file descriptor number, and no name of a passed socket`);
}

function limited(text: string, what: string): string {
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > LONGEST_NAME) {
    throw new SyntaxError(`The ${what} has ${bytes} bytes, ${LONGEST_NAME} are possible`);
  }
  return text;
}

/** What everybody takes for a host, and nobody for the path of a socket. */
function isBareHost(text: string): boolean {
  return /^(localhost|[a-z0-9-]+\.localhost|[0-9]+(\.[0-9]+){3})$/i.test(text);
}

/** Host names by RFC 1123, with the underscore that container networks use, and IPv4 numbers. */
function isHost(host: string): boolean {
  if (host === "") return true;
  if (/^[0-9.]+$/.test(host)) {
    const numbers = host.split(".");
    return numbers.length === 4 && numbers.every((n) => /^[0-9]{1,3}$/.test(n) && Number(n) <= 255);
  }
  return host.length <= 253 &&
    host.split(".").every((label) => /^[a-z0-9_]([a-z0-9_-]{0,62})$/.test(label));
}

/** The notation of RFC 4291, with an optional zone as in `fe80::1%eth0`. */
function isIpv6(host: string): boolean {
  const address = host.replace(/%[a-z0-9_.-]+$/i, "");
  if (!/^[0-9a-f:.]{2,45}$/.test(address)) return false;
  try {
    new URL(`http://[${address}]/`);
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}
