/**
 * Runs in the worker. A server that outlives the end of its accepting. `Deno.serve` accepts no more after
 * the first accept(2) that fails, for want of descriptors for example; what it has accepted is served on.
 * Then another one is opened beside it, as soon as there is room, and for whoever has the server they
 * are one.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import type { Server } from "../handler.ts";
import { isShortage } from "../../system/descriptor.ts";
import { pause } from "../../system/timing.ts";
import { hasRoom, keepReserve, withReserve } from "../descriptor_reserve.ts";
import { instanceAccess } from "../instance.ts";
import { RareLine } from "../logging/line_sinks.ts";

const currentInstance = instanceAccess();

/** The first pause before a server is opened anew, and the longest one (ms). */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 1_000;
/** After a server that accepted for this long, pauses are short again (10 s). */
const HEALTHY_MS = 10_000;

const line = new RareLine();

/** The worker cannot accept for want of descriptors, or for another reason: says so, now and then. */
export function sayCannotAccept(error: unknown): void {
  const reason = isShortage(error) ? "it has no more descriptors" : errorText(error);
  const { slot } = currentInstance().environment;
  line.say(
    `Worker ${slot} cannot accept: ${reason}. It goes on as soon as it can; its clients wait`,
  );
}

/** How a {@linkcode LastingServer} comes to be. */
export interface LastingSetup {
  /** Opens a server. */
  readonly open: () => Server;
  /** False while nothing is to be opened. @default It always may be */
  readonly mayOpen?: () => boolean;
  /** Ends the server and its connections at once; the servers that are opened have it as well. */
  readonly signal?: AbortSignal | undefined;
  /** True: the first one may be opened later, if there are no descriptors now. @default false */
  readonly late?: boolean;
}

/** One server for whoever has it. */
export class LastingServer implements Server {
  readonly finished: Promise<void>;
  readonly #setup: LastingSetup;
  readonly #address: Deno.Addr | null;
  /** All that were opened: those that accept no more may have connections. */
  readonly #opened: Server[] = [];
  readonly #end = Promise.withResolvers<void>();
  #ended = false;
  #referenced = true;

  /**
   * Opens the first one.
   *
   * @throws {Error} If it cannot be opened; with `late` only for other reasons than a shortage.
   */
  constructor(setup: LastingSetup) {
    this.#setup = setup;
    keepReserve();
    if (setup.late === true && setup.mayOpen?.() === false) this.#address = null;
    else this.#address = this.#openFirst()?.addr ?? null;
    this.finished = this.#last();
    const { signal } = setup;
    if (signal?.aborted === true) this.#stop();
    signal?.addEventListener("abort", () => this.#stop(), { once: true });
  }

  /** Where the newest of them listens. */
  get addr(): Deno.Addr {
    const newest = this.#opened.at(-1)?.addr ?? this.#address;
    if (newest === null) throw new Deno.errors.NotConnected("The server listens nowhere yet");
    return newest;
  }

  /** Lets the process live as long as the server does. */
  ref(): void {
    this.#referenced = true;
    for (const server of this.#opened) server.ref();
  }

  /** Lets the process end. */
  unref(): void {
    this.#referenced = false;
    for (const server of this.#opened) server.unref();
  }

  /** Accepts no more; resolves when the connections of all of them have ended. */
  async shutdown(): Promise<void> {
    this.#stop();
    await Promise.all(this.#opened.map((server) => server.shutdown()));
    await this.finished;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  #stop(): void {
    this.#ended = true;
    this.#end.resolve();
  }

  #openFirst(): Server | null {
    try {
      return this.#open();
    } catch (error) {
      if (this.#setup.late !== true || !isShortage(error)) throw error;
      sayCannotAccept(error);
      return null;
    }
  }

  #open(): Server {
    const server = withReserve(() => this.#setup.open());
    if (!this.#referenced) server.unref();
    this.#opened.push(server);
    return server;
  }

  /** Resolves when the server was ended by whoever has it. */
  async #last(): Promise<void> {
    let wait = FIRST_PAUSE_MS;
    while (!this.#ended) {
      const server = this.#opened.at(-1);
      const since = performance.now();
      // How it ends does not matter: it is a mistake unless somebody wanted it.
      const failure: unknown = await server?.finished.then(() => null, (error) => error);
      if (this.#ended) break;
      if (failure instanceof Error) sayCannotAccept(failure);
      if (performance.now() - since > HEALTHY_MS) wait = FIRST_PAUSE_MS;
      do {
        await Promise.race([pause(wait), this.#end.promise]);
        wait = Math.min(wait * 2, LONGEST_PAUSE_MS);
      } while (!this.#ended && !this.#openNext());
    }
    await Promise.allSettled(this.#opened.map((server) => server.finished));
  }

  /** True if there is another one now. */
  #openNext(): boolean {
    if (this.#setup.mayOpen?.() === false || !hasRoom()) return false;
    try {
      this.#open();
      return true;
    } catch (error) {
      if (!isShortage(error)) throw error;
      sayCannotAccept(error);
      return false;
    }
  }
}
