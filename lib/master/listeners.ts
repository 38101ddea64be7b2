/**
 * Runs in the master. The listening sockets of the instance: bound before any worker exists, kept
 * through every reload, closed last.
 *
 * @module
 */

import { type Address, parseAddress } from "../config/address.ts";
import type { Config, SocketSpec } from "../config/config.ts";
import { later } from "../later.ts";
import type { WorkerSocket } from "../protocol/worker_environment.ts";
import { ERRNO, type Libc, SystemCallError } from "../system/libc.ts";
import type { PassedSocket } from "../system/passed_sockets.ts";
import {
  adoptDescriptor,
  bindAbstract,
  bindTcp,
  bindUnix,
  boundPort,
  probeTcp,
  socketFile,
} from "../system/listening_socket.ts";
import { changeOwned, type OwnedPath, removeOwned } from "../system/owned_path.ts";
import { resolveOwner } from "../system/owner.ts";
import { resolveHost } from "../system/resolve_host.ts";
import { addressText, localAddress } from "../system/socket_address.ts";
import { UserError } from "../cli/exit_code.ts";
import type { Wanted } from "./activation.ts";
import { reservePort } from "./own_socket.ts";

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
  >
  & { readonly sockets: readonly ListenSpec[] };

/** A configured address. */
export type ListenSpec = Omit<SocketSpec, "option"> & {
  /** The option that asked for it. */
  readonly option: string;
};

/** One open socket: its descriptors and what workers are told about it. Nothing but data. */
export interface Listener {
  /** What it was made from: the same text gives the same socket after a reload. */
  readonly key: string;
  readonly worker: WorkerSocket;
  /** Whether every slot has a descriptor of its own; else all slots share what there is. */
  readonly perSlot: boolean;
  readonly keepalive: boolean;
  /** A Unix socket that was bound here. */
  readonly file: OwnedPath | null;
}

/** The sockets of one instance. */
export class Listeners {
  readonly #libc: Libc | null;
  #listeners: readonly Listener[];

  /** Takes what is open. {@linkcode Listeners.open} opens. */
  constructor(libc: Libc | null, listeners: readonly Listener[]) {
    this.#libc = libc;
    this.#listeners = listeners;
  }

  /**
   * Binds all configured sockets, or none. What is open already is kept, with its queue. Sockets that a
   * service manager passed are taken instead, or added.
   *
   * @throws {UserError} If one of them cannot be bound; nothing is left behind.
   */
  static async open(
    libc: Libc | null,
    config: SocketConfig,
    known: readonly Listener[] = [],
    passed: readonly PassedSocket[] = [],
  ): Promise<Listeners> {
    const left = [...known];
    const listeners: Listener[] = [];
    const opened: Listener[] = [];
    try {
      for (const wanted of await wantedSockets(libc, config, passed)) {
        const at = left.findIndex((listener) => isMeant(listener, wanted));
        const [kept] = at < 0 ? [] : left.splice(at, 1);
        const listener = kept === undefined
          ? await openOne(libc, wanted, config)
          : renamed(kept, wanted.spec);
        if (kept === undefined) opened.push(listener);
        listeners.push(listener);
      }
      const all = new Listeners(libc, listeners);
      all.grow(config.processes);
      return all;
    } catch (error) {
      new Listeners(libc, opened).close(true);
      if (error instanceof UserError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      const text = `Cannot open the sockets of ${config.processes} processes: ${reason}`;
      throw new UserError("socket", text, { cause: error });
    }
  }

  /** Their addresses, in the order of the configuration. */
  get addresses(): readonly string[] {
    return this.#listeners.map(({ worker }) => worker.address);
  }

  /** What a new program of this process needs to go on with them. */
  get records(): readonly Listener[] {
    return this.#listeners;
  }

  /** What workers are told, in the order of the configuration. */
  get sockets(): readonly WorkerSocket[] {
    return this.#listeners.map((listener) => listener.worker);
  }

  /** True if there is a socket per slot, so that a slot without a worker needs a sibling. */
  get perSlot(): boolean {
    return this.#listeners.some((listener) => listener.perSlot);
  }

  /**
   * Makes sure that every one of `slots` slots has its sockets.
   *
   * @throws {SystemCallError} If there are no more descriptors.
   */
  grow(slots: number): void {
    for (const { worker, perSlot, keepalive } of this.#listeners) {
      if (!perSlot || this.#libc === null || worker.bind === null) continue;
      const fds = worker.fds as number[];
      const { hostname: host, port } = worker.bind;
      const options = { host, port, reusePort: true, keepalive };
      while (fds.length < slots) fds.push(bindTcp(this.#libc, options));
    }
  }

  /** Closes those that `kept` does not have, and removes their Unix sockets. */
  closeAllBut(kept: Listeners): void {
    const stay = new Set(kept.records.map(({ worker }) => worker.fds[0]));
    const gone = this.#listeners.filter(({ worker }) => !stay.has(worker.fds[0]));
    this.#listeners = this.#listeners.filter((listener) => !gone.includes(listener));
    for (const listener of gone) closeListener(this.#libc, listener, true);
  }

  /**
   * Gives the sockets to another user: without that, sockets of later slots, which it binds, could not
   * join these (socket(7), SO_REUSEPORT).
   *
   * @param files Whether the files of Unix sockets are given to it as well.
   * @throws {UserError} If one of these is not there any more.
   */
  give(uid: number, gid: number, files: boolean): void {
    for (const { worker, file } of this.#listeners) {
      if (worker.bind !== null) { for (const fd of worker.fds) this.#libc?.fchown(fd, uid, gid); }
      if (files && file !== null && this.#libc !== null) giveFile(this.#libc, file, uid, gid);
    }
  }

  /**
   * Closes everything; `vacuum` also removes the Unix sockets that were bound here. The second time
   * there is nothing left to close.
   */
  close(vacuum: boolean): void {
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) closeListener(this.#libc, listener, vacuum);
  }
}

function closeListener(c: Libc | null, { worker, file }: Listener, vacuum: boolean): void {
  for (const fd of worker.fds) c?.close(fd);
  if (vacuum && file !== null) removeOwned(file);
}

/** Two sockets with the same key are the same socket. */
function keyOf({ option, text }: ListenSpec): string {
  // What workers speak on a socket is no reason to bind it anew.
  return `${option in PROTOCOLS ? "socket" : option} ${text}`;
}

/** The same socket, under the option that asks for it now. */
function renamed(listener: Listener, spec: ListenSpec): Listener {
  const { address, bind, fds } = listener.worker;
  return { ...listener, worker: { address, ...protocolOf(spec), bind, fds } };
}

/** True if the listener is what is wanted: an inherited descriptor stays what it is under every name. */
function isMeant({ key, worker }: Listener, { spec, address }: Wanted): boolean {
  return address.kind === "fd" ? worker.fds[0] === address.fd : key === keyOf(spec);
}

async function wantedSockets(
  libc: Libc | null,
  config: SocketConfig,
  passed: readonly PassedSocket[],
): Promise<readonly Wanted[]> {
  const configured = config.sockets.map((spec) => ({ spec, address: parseAddress(spec.text) }));
  if (passed.length === 0) return configured;
  if (libc === null) {
    const reason = "foreign functions are refused (allow them with --allow-ffi)";
    throw new UserError("socket", `Cannot use the sockets of the service manager: ${reason}`);
  }
  const { withPassedSockets } = await later<typeof import("./activation.ts")>(
    import.meta.resolve("./activation.ts"),
  );
  try {
    return await withPassedSockets(libc, configured, passed);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UserError("socket", `Cannot open the sockets: ${error.message}`, { cause: error });
  }
}

async function openOne(
  libc: Libc | null,
  { spec, address }: Wanted,
  config: SocketConfig,
): Promise<Listener> {
  try {
    if (libc === null) return await withoutLibc(address, spec, config);
    return await bindOne(libc, address, spec, config);
  } catch (error) {
    throw explain(error, spec);
  }
}

async function bindOne(
  c: Libc,
  address: Address,
  spec: ListenSpec,
  config: SocketConfig,
): Promise<Listener> {
  switch (address.kind) {
    case "tcp": {
      const host = await resolveHost(address.host);
      return bindTcpListener(c, host, address.port, spec, config);
    }
    case "unix": {
      const fd = await bindUnix(c, address.path, config.chmodSocket);
      const file = closedOnFailure(c, fd, () => socketFile(c, fd, address.path));
      const listener = shared(spec, config, address.path, fd, file);
      try {
        applyFileOptions(c, file, config);
      } catch (error) {
        closeListener(c, listener, true);
        throw error;
      }
      c.listen(fd, config.listen);
      return listener;
    }
    case "abstract": {
      const fd = bindAbstract(c, address.name);
      c.listen(fd, config.listen);
      return shared(spec, config, `@${address.name}`, fd, null);
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
  host: string,
  wantedPort: number,
  spec: ListenSpec,
  config: SocketConfig,
): Listener {
  const { reusePort, soKeepalive: keepalive } = config;
  if (reusePort && wantedPort !== 0) probeTcp(c, host, wantedPort);
  const first = bindTcp(c, { host, port: wantedPort, reusePort, keepalive });
  const port = boundPort(c, first);
  const text = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const bind = { hostname: host, port };
  const worker = { address: text, ...protocolOf(spec), bind, fds: [first] };
  return { key: keyOf(spec), worker, perSlot: reusePort, keepalive, file: null };
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

function giveFile(c: Libc, file: OwnedPath, uid: number, gid: number): void {
  try {
    changeOwned(c, file, { uid, gid });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const text = `Cannot give the socket "${file.path}" to the user of uid: ${reason}`;
    throw new UserError("socket", text, { cause: error });
  }
}

function applyFileOptions(c: Libc, file: OwnedPath, config: SocketConfig): void {
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
  const text = hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
  const bind = { hostname, port };
  const worker = { address: text, ...protocolOf(spec), bind, fds: [] };
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

/** What is wrong, where, and what to do about it, in one line. */
function explain(error: unknown, spec: ListenSpec): Error {
  const { text, origin, option } = spec;
  const where = `${option} "${text}" (${origin.file}:${origin.line})`;
  const reason = error instanceof Error ? error.message : String(error);
  return new UserError("socket", `Cannot open ${where}: ${hint(error) ?? reason}`, {
    cause: error,
  });
}

function hint(error: unknown): string | null {
  if (error instanceof Deno.errors.AlreadyExists) return `${error.message}: remove it first`;
  if (!(error instanceof SystemCallError)) return null;
  const say = (advice: string) => `${error.reason.toLowerCase()}: ${advice}`;
  switch (error.errno) {
    case ERRNO.EADDRINUSE:
      return say("stop the other server or choose another address");
    case ERRNO.EACCES:
      return say("ports below 1024 need root or CAP_NET_BIND_SERVICE, paths a writable directory");
    case ERRNO.EADDRNOTAVAIL:
      return say("the address does not belong to this machine");
    case ERRNO.ENOENT:
      return say("the directory of the socket does not exist");
    default:
      return error.reason.toLowerCase();
  }
}
