/**
 * What the clients of one load run share: its end, its deadlines and its pauses.
 *
 * @module
 */
import { Connection } from "./connection.ts";
import { LoadFailure } from "./failure.ts";
import { Tally } from "./report.ts";
import { connectTo, type Target } from "./target.ts";

/** Settings of a run that scenarios ask for. */
export interface LoadOptions {
  /** How long an answer may take before it counts as lost, in milliseconds. @default 10000 */
  readonly timeoutMs?: number;
  /** What `split-header` waits for between the halves of a header. @default 20 to 200 ms */
  readonly gap?: () => Promise<unknown>;
  /** What `idle` waits for between two requests. @default 0 to 300 ms */
  readonly idle?: () => Promise<unknown>;
  /**
   * How long a client rests between its sessions, and between the requests of `keep-alive`, at most, in
   * milliseconds. Without a rest, clients take all the processors they can get.
   *
   * @default 0
   */
  readonly restMs?: number;
}

/** How often deadlines are looked at, in milliseconds: one timer instead of one per request. */
const SWEEP_MS = 100;

/** Something with a deadline. */
interface Expiring {
  readonly deadline: number;
  expire(): void;
}

/** The state of one run. */
export class LoadRun {
  readonly counters = new Tally();
  readonly target: Target;
  readonly timeoutMs: number;
  readonly #options: LoadOptions;
  readonly #end = Promise.withResolvers<void>();
  readonly #expiring = new Set<Expiring>();
  readonly #pauses = new Set<() => void>();
  readonly #sweeper: ReturnType<typeof setInterval>;
  #stopped = false;

  constructor(target: Target, options: LoadOptions) {
    this.target = target;
    this.timeoutMs = options.timeoutMs ?? 10_000;
    this.#options = options;
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
  }

  /** Whether clients leave after what they are doing. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Lets the clients finish the requests they have sent and leave; pauses end at once. */
  stop(): void {
    this.#stopped = true;
    this.#end.resolve();
    for (const end of this.#pauses) end();
  }

  /** Releases what the run holds; all clients have left. */
  finish(): void {
    clearInterval(this.#sweeper);
  }

  /** Waits a random time between two, in milliseconds, or until the run is stopped. */
  pause(minMs: number, maxMs: number = minMs): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = (): void => {
      clearTimeout(timer);
      this.#pauses.delete(end);
      resolve();
    };
    const timer = setTimeout(end, minMs + Math.random() * (maxMs - minMs));
    this.#pauses.add(end);
    return promise;
  }

  /** Waits between the halves of a header, or until the run is stopped. */
  async gap(): Promise<void> {
    await Promise.race([this.#options.gap?.() ?? this.pause(20, 200), this.#end.promise]);
  }

  /** Waits between two requests, or until the run is stopped. */
  async idle(): Promise<void> {
    await Promise.race([this.#options.idle?.() ?? this.pause(0, 300), this.#end.promise]);
  }

  /** What a client rests for, or until the run is stopped; null: it does not rest. */
  rest(): Promise<void> | null {
    const { restMs = 0 } = this.#options;
    return restMs === 0 ? null : this.pause(0, restMs);
  }

  /** Makes a connection, hands it to `use`, and closes it. */
  async connected(use: (connection: Connection) => Promise<void>): Promise<void> {
    const connection = new Connection(await this.#connect());
    this.#expiring.add(connection);
    try {
      await use(connection);
    } finally {
      this.#expiring.delete(connection);
      connection.close();
    }
  }

  async #connect(): Promise<Deno.Conn> {
    const attempt = new AbortController();
    const expiring = {
      deadline: performance.now() + this.timeoutMs,
      expire: () => attempt.abort(new LoadFailure("timeout", "No connection in time")),
    };
    this.#expiring.add(expiring);
    try {
      return await connectTo(this.target, attempt.signal);
    } catch (error) {
      throw attempt.signal.aborted ? attempt.signal.reason : error;
    } finally {
      this.#expiring.delete(expiring);
    }
  }

  #sweep(): void {
    const now = performance.now();
    for (const item of this.#expiring) if (item.deadline < now) item.expire();
  }
}
