/**
 * Runs in the master. Starts processes under the restrictions of a thread (`spawn_thread.ts`).
 *
 * @module
 */

import type { Rules } from "../../../system/process/landlock.ts";
import type { Libc } from "../../../system/libc.ts";
import { after } from "../../../system/timing.ts";
import { AdoptedProcess } from "../adopted_process.ts";
import type { ChildHandle } from "../worker_process.ts";
import {
  ANSWER,
  ANSWER_BYTES,
  type SpawnAnswer,
  type SpawnRequest,
  type ThreadSetup,
} from "./spawn_request.ts";

const THREAD = new URL("./spawn_thread.ts", import.meta.url);

/** A thread has to be loaded and to answer within this time, or it is given up (30 s). */
const SETUP_TIMEOUT_MS = 30_000;
/** The master stands still while the thread forks; it takes milliseconds (5 s). */
const SPAWN_TIMEOUT_MS = 5_000;
/** What a process has printed passes through the thread, which is kept this long after its end (1 s). */
const LINGER_MS = 1_000;

/** The kernel does not restrict the thread. */
export class RestrictionRefused extends Error {}

/** What a process is started with. */
export type SpawnOptions = Omit<SpawnRequest, "id" | "answer">;

/** Something that starts processes. */
export interface ChildSpawner {
  /**
   * Starts a process; returns when it was forked, so that descriptors are lent to it and to no other.
   *
   * @throws {Error} If it cannot be started.
   */
  spawn(options: SpawnOptions): ChildHandle;
}

/** A process that the thread has started. */
interface Child {
  /** 0: it is just being started. */
  pid: number;
  readonly streams: PromiseWithResolvers<readonly ReadableStream<Uint8Array>[]>;
  readonly status: PromiseWithResolvers<Deno.CommandStatus>;
}

/** A thread that restricts itself, and what it has started. */
export class ConfinedSpawner implements ChildSpawner {
  readonly #libc: Libc;
  readonly #thread: Worker;
  readonly #children = new Map<number, Child>();
  readonly #onIdle: () => void;
  #starts = 0;
  #broken: string | null = null;

  private constructor(c: Libc, thread: Worker, onIdle: () => void) {
    this.#libc = c;
    this.#thread = thread;
    this.#onIdle = onIdle;
  }

  /**
   * Makes the thread.
   *
   * @param onIdle Called whenever the last of its processes has ended.
   * @throws {RestrictionRefused} If the kernel refuses.
   * @throws {Error} If the thread cannot be loaded, or does not answer.
   */
  static async open(c: Libc, rules: Rules, onIdle: () => void): Promise<ConfinedSpawner> {
    const thread = new Worker(THREAD, { type: "module", name: "duwsgi-landlock" });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const cancel = after(SETUP_TIMEOUT_MS, () => reject(new Error("the thread does not answer")));
    thread.onmessage = ({ data }: MessageEvent<SpawnAnswer>) => {
      if (data.type === "restricted") resolve();
      else if (data.type === "refused") reject(new RestrictionRefused(data.error));
    };
    thread.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    try {
      thread.postMessage({ rules } satisfies ThreadSetup);
      await promise;
    } catch (error) {
      thread.terminate();
      throw error;
    } finally {
      cancel();
    }
    const spawner = new ConfinedSpawner(c, thread, onIdle);
    spawner.#listen();
    return spawner;
  }

  /** True as long as a process lives: at the thread's end it would get a signal, see `death_watch.ts`. */
  get isNeeded(): boolean {
    return this.#children.size > 0;
  }

  /** True if it can start no more processes. */
  get isBroken(): boolean {
    return this.#broken !== null;
  }

  spawn(options: SpawnOptions): ChildHandle {
    if (this.#broken !== null) throw new Error(this.#broken);
    const id = ++this.#starts;
    const child: Child = {
      pid: 0,
      streams: Promise.withResolvers(),
      status: Promise.withResolvers(),
    };
    this.#children.set(id, child);
    try {
      child.pid = this.#ask({ ...options, id });
    } catch (error) {
      this.#forget(id);
      throw error;
    }
    void child.status.promise.then(() => after(LINGER_MS, () => this.#forget(id)));
    return new ConfinedChild(child, options.stdout);
  }

  /** Ends the thread. What it has started must have ended. */
  close(): void {
    this.#broken ??= "the thread that starts workers has ended";
    this.#thread.terminate();
  }

  /** Asks the thread, and stands still until it has answered. */
  #ask(request: Omit<SpawnRequest, "answer">): number {
    const answer = new SharedArrayBuffer(ANSWER_BYTES);
    const cells = new Int32Array(answer, 0, ANSWER.words);
    this.#thread.postMessage({ ...request, answer } satisfies SpawnRequest);
    Atomics.wait(cells, ANSWER.result, 0, SPAWN_TIMEOUT_MS);
    const result = Atomics.compareExchange(cells, ANSWER.result, 0, ANSWER.abandoned);
    if (result === 0) {
      const why = `the thread that starts workers has not answered for ${SPAWN_TIMEOUT_MS} ms`;
      this.#break(why);
      throw new Error(why);
    }
    if (result !== ANSWER.failed) return result;
    const length = Atomics.load(cells, ANSWER.length);
    const text = new Uint8Array(answer, cells.byteLength, length).slice();
    throw new Error(new TextDecoder().decode(text));
  }

  #listen(): void {
    this.#thread.onmessage = ({ data }: MessageEvent<SpawnAnswer>) => {
      if (data.type === "started") this.#children.get(data.id)?.streams.resolve(data.streams);
      else if (data.type === "ended") this.#children.get(data.id)?.status.resolve(data.status);
    };
    this.#thread.onerror = (event) => {
      event.preventDefault();
      this.#break(`the thread that starts workers has failed: ${event.message}`);
    };
  }

  /** The thread is given up; how its processes end is asked for by the master itself. */
  #break(why: string): void {
    if (this.#broken !== null) return;
    this.#broken = why;
    this.#thread.terminate();
    for (const { pid, status } of this.#children.values()) {
      if (pid !== 0) status.resolve(new AdoptedProcess(this.#libc, pid).status);
    }
  }

  #forget(id: number): void {
    this.#children.delete(id);
    if (this.#children.size === 0) this.#onIdle();
  }
}

/** A process that the thread has started, for the master. */
class ConfinedChild implements ChildHandle {
  readonly pid: number;
  readonly status: Promise<Deno.CommandStatus>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly stdout: ReadableStream<Uint8Array> | null;
  #ended = false;

  constructor({ pid, streams, status }: Child, stdout: boolean) {
    this.pid = pid;
    this.status = status.promise;
    const stream = (number: number) =>
      arriving(streams.promise.then((all) => all[number] ?? ReadableStream.from([])));
    this.stderr = stream(0);
    this.stdout = stdout ? stream(1) : null;
    void this.status.then(() => this.#ended = true);
  }

  kill(signal: Deno.Signal): void {
    // Another process may have the number by now.
    if (this.#ended) throw new TypeError("The process has ended already");
    Deno.kill(this.pid, signal);
  }
}

/** A stream that is not there yet. */
function arriving(stream: Promise<ReadableStream<Uint8Array>>): ReadableStream<Uint8Array> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  // It ends early when nobody wants to read on.
  stream.then((source) => source.pipeTo(writable)).catch(() => {});
  return readable;
}
