/**
 * Runs in the master. Brings the configured sockets together with those that a service manager passed:
 * a passed socket is used instead of a configured one with the same address or by its name, and what
 * is configured nowhere is added, as in uWSGI.
 *
 * @module
 */

import { absolutePath } from "../../system/files/absolute_path.ts";
import { type Address, parseAddress } from "../../system/sockets/address.ts";
import type { Libc } from "../../system/libc.ts";
import { acceptsIpv4 } from "../../system/sockets/listening_socket.ts";
import type { PassedSocket } from "../../system/sockets/passed_sockets.ts";
import { resolveHost } from "../../system/sockets/resolve_host.ts";
import { localAddress, type SocketAddress } from "../../system/sockets/socket_address.ts";
import type { ListenSpec, WantedSocket } from "./listen_spec.ts";

/** A passed socket, with what the kernel says of it. */
export interface Passed extends PassedSocket {
  /** Null: it is something that `adoptDescriptor` will refuse. */
  readonly address: SocketAddress | null;
  /** True for an IPv6 socket that IPv4 clients reach as well. */
  readonly acceptsIpv4: boolean;
}

/**
 * What to open, in the order of the configuration, and then what else was passed.
 *
 * @throws {TypeError} If two lines mean the same passed socket.
 */
export async function withPassedSockets(
  c: Libc,
  configured: readonly WantedSocket[],
  sockets: readonly PassedSocket[],
): Promise<WantedSocket[]> {
  const passed = sockets.map((socket) => look(c, socket));
  const resolved: WantedSocket[] = [];
  for (const { spec, address } of configured) {
    resolved.push({ spec, address: await comparable(address) });
  }
  return match(resolved, passed).map((wanted) =>
    wanted.address.kind === "fd" ? wanted : { ...wanted, address: parseAddress(wanted.spec.text) }
  );
}

function look(c: Libc, socket: PassedSocket): Passed {
  const address = localAddress(c, socket.fd);
  const hasPath = address?.family === "unix" && !address.abstract;
  return {
    ...socket,
    address: hasPath ? { ...address, path: realPath(address.path) } : address,
    acceptsIpv4: acceptsIpv4(c, socket.fd),
  };
}

/** The address in the form in which the kernel tells those of passed sockets. */
async function comparable(address: Address): Promise<Address> {
  if (address.kind === "unix") return { ...address, path: realPath(address.path) };
  if (address.kind !== "tcp" || address.port === 0) return address;
  try {
    return { ...address, host: await resolveHost(address.host) };
  } catch {
    // It is said when the socket is opened, with the line that asks for it.
    return address;
  }
}

function realPath(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    return absolutePath(path);
  }
}

/** The decision itself, on addresses that can be compared as they are. */
export function match(
  configured: readonly WantedSocket[],
  passed: readonly Passed[],
): WantedSocket[] {
  const users = new Map<Passed, ListenSpec>();
  const use = (socket: Passed, spec: ListenSpec): WantedSocket => {
    const other = users.get(socket);
    if (other !== undefined) throw new TypeError(usedTwice(socket, other, spec));
    users.set(socket, spec);
    return { spec, address: { kind: "fd", fd: socket.fd } };
  };
  const wanted = configured.flatMap(({ spec, address }) => {
    const sockets = meant(address, passed);
    return sockets.length === 0 ? [{ spec, address }] : sockets.map((socket) => use(socket, spec));
  });
  const rest = passed.filter((socket) => !users.has(socket));
  return [...wanted, ...rest.map((socket) => use(socket, specOf(socket)))];
}

/** The passed sockets that a configured address stands for; a name may stand for several. */
function meant(address: Address, passed: readonly Passed[]): readonly Passed[] {
  switch (address.kind) {
    case "passed":
      return passed.filter(({ name }) => name === address.name);
    case "fd":
      return passed.filter(({ fd }) => fd === address.fd);
    default: {
      const exact = passed.filter((socket) => isSame(address, socket.address));
      return exact.length > 0 ? exact : passed.filter((socket) => covers(socket, address));
    }
  }
}

function isSame(address: Address, other: SocketAddress | null): boolean {
  if (other === null) return false;
  switch (address.kind) {
    case "tcp":
      return other.family !== "unix" && other.host === address.host && other.port === address.port;
    case "unix":
      return other.family === "unix" && !other.abstract && other.path === address.path;
    case "abstract":
      return other.family === "unix" && other.abstract && other.path === address.name;
    default:
      return false;
  }
}

/** `ListenStream=8080` of systemd means all addresses, with one IPv6 socket: so does `:8080` here. */
function covers({ address: other, acceptsIpv4 }: Passed, address: Address): boolean {
  return address.kind === "tcp" && address.host === "0.0.0.0" && acceptsIpv4 &&
    other?.family === "inet6" && other.host === "::" && other.port === address.port;
}

function specOf({ fd, name }: PassedSocket): ListenSpec {
  const origin = { file: "LISTEN_FDS", line: fd - 2 };
  return { option: "http-socket", text: `fd://${name ?? fd}`, origin };
}

function usedTwice(socket: Passed, first: ListenSpec, second: ListenSpec): string {
  const where = [first, second].map(({ text, origin }) =>
    `"${text}" (${origin.file}:${origin.line})`
  );
  return `${where.join(" and ")} are the same passed socket, descriptor ${socket.fd}: remove one`;
}
