/**
 * Runs in the master. The listening sockets of the instance: bound before any worker exists, kept
 * through every reload, closed last.
 *
 * @module
 */

import { type Address, parseAddress } from "../config/address.ts";
import type { Config, SocketSpec } from "../config/config.ts";
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
} from "../system/listening_socket.ts";
import { resolveOwner } from "../system/owner.ts";
import { resolveHost } from "../system/resolve_host.ts";
import { addressText, localAddress } from "../system/socket_address.ts";
import { UserError } from "../cli/exit_code.ts";
import type { Wanted } from "./activation.ts";
import { reservePort } from "./own_socket.ts";

/** What of the configuration the sockets are made from. */
export type SocketConfig = Pick<
  Config,
  | "sockets"
  | "processes"
  | "listen"
  | "reusePort"
  | "soKeepalive"
  | "chmodSocket"
  | "chownSocket"
  | "vacuum"
>;

/** One open socket: its descriptors and what workers are told about it. */
interface Listener {
  readonly worker: WorkerSocket;
  /** Makes the descriptor of one more slot; null: all slots share what there is. */
  readonly another: (() => number) | null;
  /** The path and inode of a Unix socket that was bound here. */
  readonly file: { readonly path: string; readonly inode: number | null } | null;
}

/** The sockets of one instance. */
export class Listeners {
  readonly #libc: Libc | null;
  #listeners: readonly Listener[];

  private constructor(libc: Libc | null, listeners: readonly Listener[]) {
    this.#libc = libc;
    this.#listeners = listeners;
  }

  /**
   * Binds all configured sockets, or none. Those that a service manager passed are taken instead, or
   * added.
   *
   * @throws {UserError} If one of them cannot be bound; nothing is left behind.
   */
  static async open(
    libc: Libc | null,
    config: SocketConfig,
    passed: readonly PassedSocket[] = [],
  ): Promise<Listeners> {
    const listeners: Listener[] = [];
    try {
      for (const wanted of await wantedSockets(libc, config, passed)) {
        listeners.push(await openOne(libc, wanted, config));
      }
    } catch (error) {
      new Listeners(libc, listeners).close(true);
      throw error;
    }
    return new Listeners(libc, listeners);
  }

  /** What workers are told, in the order of the configuration. */
  get sockets(): readonly WorkerSocket[] {
    return this.#listeners.map((listener) => listener.worker);
  }

  /** True if there is a socket per slot, so that a slot without a worker needs a sibling. */
  get perSlot(): boolean {
    return this.#listeners.some((listener) => listener.another !== null);
  }

  /**
   * Makes sure that every one of `slots` slots has its sockets.
   *
   * @throws {SystemCallError} If there are no more descriptors.
   */
  grow(slots: number): void {
    for (const { worker, another } of this.#listeners) {
      if (another === null) continue;
      const fds = worker.fds as number[];
      while (fds.length < slots) fds.push(another());
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
  if (vacuum && file !== null) removeOwn(file.path, file.inode);
}

/** Removes a Unix socket unless somebody else has put another one there meanwhile. */
function removeOwn(path: string, inode: number | null): void {
  try {
    if (Deno.lstatSync(path).ino === inode) Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
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
  const { withPassedSockets } = await import("./activation.ts");
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
    if (libc === null) return await withoutLibc(address, spec);
    return await bindOne(libc, address, spec, config);
  } catch (error) {
    throw explain(error, spec);
  }
}

async function bindOne(
  c: Libc,
  address: Address,
  spec: SocketSpec,
  config: SocketConfig,
): Promise<Listener> {
  switch (address.kind) {
    case "tcp": {
      const host = await resolveHost(address.host);
      return bindTcpListener(c, host, address.port, spec, config);
    }
    case "unix": {
      const fd = await bindUnix(c, address.path);
      const path = Deno.realPathSync(address.path);
      const file = { path, inode: Deno.lstatSync(path).ino };
      const listener = shared(spec, address.path, fd, file);
      try {
        applyFileOptions(c, address.path, config);
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
      return shared(spec, `@${address.name}`, fd, null);
    }
    case "fd": {
      adoptDescriptor(c, address.fd);
      const name = localAddress(c, address.fd);
      return shared(spec, name === null ? spec.text : addressText(name), address.fd, null);
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
  spec: SocketSpec,
  config: SocketConfig,
): Listener {
  const { reusePort, soKeepalive: keepalive } = config;
  if (reusePort && wantedPort !== 0) probeTcp(c, host, wantedPort);
  const first = bindTcp(c, { host, port: wantedPort, reusePort, keepalive });
  const port = boundPort(c, first);
  const another = () => bindTcp(c, { host, port, reusePort: true, keepalive });
  const fds = [first];
  try {
    while (reusePort && fds.length < config.processes) fds.push(another());
  } catch (error) {
    for (const fd of fds) c.close(fd);
    throw error;
  }
  const text = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const bind = { hostname: host, port };
  const worker = { address: text, protocol: spec.option, bind, fds };
  return { worker, another: reusePort ? another : null, file: null };
}

function shared(
  spec: SocketSpec,
  address: string,
  fd: number,
  file: Listener["file"],
): Listener {
  return { worker: { address, protocol: spec.option, bind: null, fds: [fd] }, another: null, file };
}

function applyFileOptions(c: Libc, path: string, config: SocketConfig): void {
  if (config.chmodSocket !== null) Deno.chmodSync(path, config.chmodSocket);
  if (config.chownSocket !== "") {
    const { uid, gid } = resolveOwner(c, config.chownSocket);
    Deno.chownSync(path, uid, gid);
  }
}

/** Workers bind for themselves; the master only makes sure that they can. */
async function withoutLibc(address: Address, spec: SocketSpec): Promise<Listener> {
  if (address.kind !== "tcp") {
    throw new TypeError(
      "only TCP sockets work without foreign functions (allow them with --allow-ffi)",
    );
  }
  const hostname = await resolveHost(address.host);
  const port = reservePort(hostname, address.port);
  const text = hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
  const bind = { hostname, port };
  const worker = { address: text, protocol: spec.option, bind, fds: [] };
  return { worker, another: null, file: null };
}

/** What is wrong, where, and what to do about it, in one line. */
function explain(error: unknown, spec: SocketSpec): Error {
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
