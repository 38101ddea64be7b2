/**
 * Runs in the master. The listening sockets of the instance: bound before any worker exists, kept
 * through every reload, closed last.
 *
 * @module
 */

import { parseAddress } from "../../system/sockets/address.ts";
import { lazyImport } from "../../lazy_import.ts";
import type { WorkerSocket } from "../../protocol/worker_environment.ts";
import { errorText, UserError } from "../../errors.ts";
import type { Libc } from "../../system/libc.ts";
import { bindTcp } from "../../system/sockets/listening_socket.ts";
import { changeOwned, type OwnedPath } from "../../system/files/owned_path.ts";
import type { PassedSocket } from "../../system/sockets/passed_sockets.ts";
import {
  boundAgain,
  closeListener,
  keyOf,
  type Listener,
  openListener,
  renamed,
  type SocketConfig,
} from "./listener.ts";
import { logLine } from "../log.ts";
import { isLost, sayMadeAgain, sayNotMadeAgain } from "./lost_files.ts";
import type { WantedSocket } from "./listen_spec.ts";

/** What of the configuration sockets that were removed are bound again with. */
type LostConfig = Pick<SocketConfig, "chmodSocket" | "chownSocket" | "listen">;

/** shutdown(2): a socket that listens listens no more, and stays bound. */
const SHUT_RD = 0;

/** The sockets of one instance. */
export class Listeners {
  readonly #libc: Libc | null;
  /** What was bound again, as it was before. */
  readonly #lost: Listener[] = [];
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
          ? await openListener(libc, wanted, config, listeners)
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
      const reason = errorText(error);
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

  /** True if connections wait in the queues of slot 1 before any worker accepts there. */
  get firstListens(): boolean {
    return this.#listeners.some(({ listens, perSlot }) => listens === true && perSlot);
  }

  /**
   * Workers bind for themselves, against expectation: the master's own sockets must not get connections,
   * which nobody would take. What waits there is reset; the addresses stay bound.
   */
  giveWay(): void {
    for (const { listens, worker } of this.#listeners) {
      if (listens === true) { for (const fd of worker.fds) this.#libc?.shutdown(fd, SHUT_RD); }
    }
    this.#listeners = this.#listeners.map((one) => ({ ...one, listens: false }));
  }

  /**
   * The workers that were to serve what was opened for this program have been started, or could not be.
   *
   * @param served False: slot 1 has none. Then clients of new TCP addresses are refused until it has: a
   * worker lets its sockets listen again.
   */
  settleFresh(served: boolean): void {
    const fresh = this.#listeners.filter((listener) => listener.fresh === true);
    if (fresh.length === 0) return;
    this.#listeners = this.#listeners.map((listener) => ({ ...listener, fresh: false }));
    for (const { listens, worker: { address, fds: [first = -1] } } of served ? [] : fresh) {
      if (listens !== true) continue;
      this.#libc?.shutdown(first, SHUT_RD);
      const text = `No worker knows ${address} yet: its clients are refused until one does`;
      logLine("warning", text, { event: "socketUnserved", address });
    }
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

  /** The same, for somebody who wants to know what is in the way; null: nothing is. */
  makeRoom(slots: number): string | null {
    try {
      this.grow(slots);
      return null;
    } catch (error) {
      const reason = errorText(error);
      return `Cannot open the sockets of ${slots} processes: ${reason}`;
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
   * Binds Unix sockets again whose files somebody has removed. Until {@linkcode Listeners.keepNew} or
   * {@linkcode Listeners.takeBack}, the ones in whose place they are stay open as well.
   *
   * @returns True if there are any.
   */
  bindLostAgain(config: LostConfig): boolean {
    const before = this.#listeners;
    this.#listeners = before.map((listener) => this.#found(listener, config));
    const lost = before.filter((listener) => !this.#listeners.includes(listener));
    this.#lost.push(...lost);
    return lost.length > 0;
  }

  /** There are workers that accept on what was bound again. */
  keepNew(): void {
    for (const listener of this.#lost.splice(0)) closeListener(this.#libc, listener, false);
  }

  /**
   * There are none, and those that accept have the sockets from before: the paths are missing again.
   *
   * @returns True if anything has changed.
   */
  takeBack(): boolean {
    const any = this.#lost.length > 0;
    for (const old of this.#lost.splice(0)) {
      const fresh = this.#listeners.find(({ key }) => key === old.key);
      if (fresh !== undefined) closeListener(this.#libc, fresh, true);
      this.#listeners = this.#listeners.map((one) => one === fresh ? old : one);
    }
    return any;
  }

  /** The listener itself, or a new one where its file is gone. */
  #found(listener: Listener, config: LostConfig): Listener {
    const { file, worker } = listener;
    const what = `The socket ${worker.address}`;
    if (file === null || this.#libc === null || !isLost(what, file)) return listener;
    try {
      const again = boundAgain(this.#libc, listener, config);
      sayMadeAgain(what, file);
      return again;
    } catch (error) {
      sayNotMadeAgain(what, file, error);
      return listener;
    }
  }

  /**
   * Closes everything; `vacuum` also removes the Unix sockets that were bound here. The second time
   * there is nothing left to close.
   */
  close(vacuum: boolean): void {
    this.keepNew();
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) closeListener(this.#libc, listener, vacuum);
  }
}

/** True if the listener is what is wanted: an inherited descriptor stays what it is under every name. */
function isMeant({ key, worker }: Listener, { spec, address }: WantedSocket): boolean {
  return address.kind === "fd" ? worker.fds[0] === address.fd : key === keyOf(spec);
}

async function wantedSockets(
  libc: Libc | null,
  config: SocketConfig,
  passed: readonly PassedSocket[],
): Promise<readonly WantedSocket[]> {
  const configured = config.sockets.map((spec) => ({ spec, address: parseAddress(spec.text) }));
  if (passed.length === 0) return configured;
  if (libc === null) {
    const reason = "foreign functions are refused (allow them with --allow-ffi)";
    throw new UserError("socket", `Cannot use the sockets of the service manager: ${reason}`);
  }
  const { withPassedSockets } = await lazyImport<typeof import("./activation.ts")>(
    import.meta.resolve("./activation.ts"),
  );
  try {
    return await withPassedSockets(libc, configured, passed);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UserError("socket", `Cannot open the sockets: ${error.message}`, { cause: error });
  }
}

function giveFile(c: Libc, file: OwnedPath, uid: number, gid: number): void {
  try {
    changeOwned(c, file, { uid, gid });
  } catch (error) {
    const reason = errorText(error);
    const text = `Cannot give the socket "${file.path}" to the user of uid: ${reason}`;
    throw new UserError("socket", text, { cause: error });
  }
}
