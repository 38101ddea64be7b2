/**
 * Runs in the master. Opens one listening socket of the configuration, whatever its kind, and closes it.
 *
 * @module
 */

import type { Address } from "../../system/sockets/address.ts";
import type { Config } from "../../config/config.ts";
import { allowLibrary } from "../../config/values/deno_flags.ts";
import { lazyImport } from "../../lazy_import.ts";
import type { WorkerSocket } from "../../protocol/worker_environment.ts";
import { check, type Libc, SystemCallError } from "../../system/libc.ts";
import {
  adoptDescriptor,
  bindAbstract,
  bindTcp,
  bindUnixFile,
  boundPort,
  claimTcp,
  probeTcp,
  removeStaleSocket,
  type TcpSocketOptions,
} from "../../system/sockets/listening_socket.ts";
import { changeOwned, type OwnedPath, removeOwned } from "../../system/files/owned_path.ts";
import { resolveOwner } from "../../system/files/owner.ts";
import { resolveHost } from "../../system/sockets/resolve_host.ts";
import { addressText, collide, localAddress } from "../../system/sockets/socket_address.ts";
import { reservePort } from "./reuseport_fallback.ts";
import type { ListenSpec, WantedSocket } from "./listen_spec.ts";

/** How many connections may wait at a socket of the master itself. */
export const VIEW_BACKLOG = 64;

/** What of the configuration the sockets are made from. */
export type SocketConfig =
  & Pick<
    Config,
    | "processes"
    | "listen"
    | "reusePort"
    | "soKeepalive"
    | "chmodSocket"
    | "chownSocket"
    | "vacuum"
    | "denoFlags"
  >
  & { readonly sockets: readonly ListenSpec[] };

/** One open socket: its descriptors and what workers are told about it. Nothing but data. */
export interface Listener {
  /** What it was made from: the same text gives the same socket after a reload. */
  readonly key: string;
  readonly worker: WorkerSocket;
  /** Whether every slot has a descriptor of its own; else all slots share what there is. */
  readonly perSlot: boolean;
  readonly keepalive: boolean;
  /** True for a TCP socket that listens from the bind on, before any worker does. */
  readonly listens?: boolean;
  /** True until it is known whether the program that opened it for its successor was followed by workers. */
  readonly fresh?: boolean;
  /** A Unix socket that was bound here. */
  readonly file: OwnedPath | null;
}

/** `others`: the sockets that the instance has already. */
export async function openListener(
  libc: Libc | null,
  { spec, address }: WantedSocket,
  config: SocketConfig,
  others: readonly Listener[],
): Promise<Listener> {
  try {
    if (libc === null) return await withoutLibc(address, spec, config);
    return await bindOne(libc, address, spec, config, others);
  } catch (error) {
    const { socketProblem } = await lazyImport<typeof import("./socket_problem.ts")>(
      import.meta.resolve("./socket_problem.ts"),
    );
    throw await socketProblem(error, spec, address);
  }
}

async function bindOne(
  c: Libc,
  address: Address,
  spec: ListenSpec,
  config: SocketConfig,
  others: readonly Listener[],
): Promise<Listener> {
  switch (address.kind) {
    case "tcp": {
      const host = await resolveHost(address.host);
      return bindTcpListener(c, { host, port: address.port }, spec, config, others);
    }
    case "unix": {
      await removeStaleSocket(address.path);
      const { fd, file } = bindUnixFile(c, address.path, config.chmodSocket);
      const listener = shared(spec, config, address.path, fd, file);
      try {
        applyFileOptions(c, file, config);
        check(c, "listen", c.listen(fd, config.listen));
        return listener;
      } catch (error) {
        closeListener(c, listener, true);
        throw error;
      }
    }
    case "abstract": {
      const fd = bindAbstract(c, address.name);
      return closedOnFailure(c, fd, () => {
        check(c, "listen", c.listen(fd, config.listen));
        return shared(spec, config, `@${address.name}`, fd, null);
      });
    }
    case "fd": {
      adoptDescriptor(c, address.fd);
      const name = localAddress(c, address.fd);
      const text = name === null ? spec.text : addressText(name);
      if (spec.tls !== undefined && name?.family === "unix") {
        throw new TypeError("it is a Unix socket, and Deno speaks TLS on TCP only");
      }
      return shared(spec, config, text, address.fd, null);
    }
    case "passed":
      throw new TypeError(
        "no service manager passed a socket of this name " +
          "(a socket unit names its sockets with FileDescriptorName=)",
      );
  }
}

function bindTcpListener(
  c: Libc,
  { host, port: wantedPort }: { readonly host: string; readonly port: number },
  spec: ListenSpec,
  config: SocketConfig,
  others: readonly Listener[],
): Listener {
  const { reusePort, soKeepalive: keepalive } = config;
  const options = { host, port: wantedPort, reusePort, keepalive };
  // Workers that bind for themselves would leave to nobody what waits in a queue of the master's.
  const listens = allowLibrary(config.denoFlags);
  const first = listens ? claimBeside(c, options, config.listen, others) : bindProbed(c, options);
  const port = boundPort(c, first);
  const bind = { hostname: host, port };
  const worker = { address: tcpText(host, port), ...protocolOf(spec), bind, fds: [first] };
  return { key: keyOf(spec), worker, perSlot: reusePort, keepalive, listens, file: null };
}

/** Every address and the loopback one can be had side by side, by one instance: the first has the port. */
function claimBeside(
  c: Libc,
  options: TcpSocketOptions,
  backlog: number,
  others: readonly Listener[],
): number {
  try {
    return claimTcp(c, options, backlog);
  } catch (error) {
    const text = tcpText(options.host, options.port);
    const isOurs = others.some(({ worker }) => collide(worker.address, text));
    if (!isOurs || !options.reusePort || !(error instanceof SystemCallError)) throw error;
    const fd = bindTcp(c, options);
    return closedOnFailure(c, fd, () => {
      check(c, "listen", c.listen(fd, backlog));
      return fd;
    });
  }
}

function bindProbed(c: Libc, options: TcpSocketOptions): number {
  const { host, port, reusePort } = options;
  if (reusePort && port !== 0) probeTcp(c, host, port);
  return bindTcp(c, options);
}

function tcpText(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function shared(
  spec: ListenSpec,
  config: SocketConfig,
  address: string,
  fd: number,
  file: Listener["file"],
): Listener {
  const worker = { address, ...protocolOf(spec), bind: null, fds: [fd] };
  const { soKeepalive: keepalive } = config;
  return { key: keyOf(spec), worker, perSlot: false, keepalive, file };
}

/**
 * A Unix socket anew, at its path, where nothing is any more.
 *
 * @throws {Error} If it cannot be bound there; nothing is left behind.
 */
export function boundAgain(
  c: Libc,
  listener: Listener,
  config: Pick<SocketConfig, "chmodSocket" | "chownSocket" | "listen">,
): Listener {
  // As it was written: from the root on, it may be longer than the kernel takes.
  const path = listener.worker.address;
  const { fd, file } = bindUnixFile(c, path, config.chmodSocket);
  const fresh = { ...listener, worker: { ...listener.worker, fds: [fd] }, file };
  try {
    applyFileOptions(c, file, config);
    check(c, "listen", c.listen(fd, config.listen));
    return fresh;
  } catch (error) {
    closeListener(c, fresh, true);
    throw error;
  }
}

function applyFileOptions(
  c: Libc,
  file: OwnedPath,
  config: Pick<SocketConfig, "chmodSocket" | "chownSocket">,
): void {
  const { chmodSocket: mode, chownSocket } = config;
  const owner = chownSocket === "" ? {} : resolveOwner(c, chownSocket);
  // The mode was that of the option from the start, but for what the umask has taken away.
  if (mode !== null || chownSocket !== "") changeOwned(c, file, { ...owner, mode });
}

function closedOnFailure<T>(c: Libc, fd: number, action: () => T): T {
  try {
    return action();
  } catch (error) {
    c.close(fd);
    throw error;
  }
}

/** Workers bind for themselves; the master only makes sure that they can. */
async function withoutLibc(
  address: Address,
  spec: ListenSpec,
  config: SocketConfig,
): Promise<Listener> {
  if (address.kind !== "tcp") {
    throw new TypeError(
      "only TCP sockets work without foreign functions (allow them with --allow-ffi)",
    );
  }
  const hostname = await resolveHost(address.host);
  const port = reservePort(hostname, address.port);
  const bind = { hostname, port };
  const worker = { address: tcpText(hostname, port), ...protocolOf(spec), bind, fds: [] };
  const { soKeepalive: keepalive } = config;
  return { key: keyOf(spec), worker, perSlot: false, keepalive, file: null };
}

/** The options that ask for a worker's socket. */
const PROTOCOLS: Readonly<Record<string, WorkerSocket["protocol"]>> = {
  socket: "socket",
  "http-socket": "http-socket",
  "https-socket": "https-socket",
  "uwsgi-socket": "uwsgi-socket",
};

/** The option as workers know it; there are none that know of sockets of the master. */
function protocolOf(
  { option, tls, text }: ListenSpec,
): Pick<WorkerSocket, "protocol" | "certificate"> {
  const protocol = PROTOCOLS[option] ?? "socket";
  return tls === undefined ? { protocol } : { protocol, certificate: text };
}

/** Two sockets with the same key are the same socket. */
export function keyOf({ option, text }: ListenSpec): string {
  // What workers speak on a socket is no reason to bind it anew.
  return `${option in PROTOCOLS ? "socket" : option} ${text}`;
}

/** The same socket, under the option that asks for it now. */
export function renamed(listener: Listener, spec: ListenSpec): Listener {
  const { address, bind, fds } = listener.worker;
  return { ...listener, worker: { address, ...protocolOf(spec), bind, fds } };
}

export function closeListener(c: Libc | null, { worker, file }: Listener, vacuum: boolean): void {
  for (const fd of worker.fds) c?.close(fd);
  if (vacuum && file !== null) removeOwned(file);
}
