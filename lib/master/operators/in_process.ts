/**
 * Runs in the master. Whoever commands an instance from inside its own process: the smoke run, and a
 * program that has duwsgi as a library. Its orders are taken like those of any operator.
 *
 * @module
 */

import { type CommandName, commandNamed } from "../../control/commands.ts";
import type { Verdict } from "../../core/verdict.ts";
import type { WorkerSocket } from "../../protocol/worker_environment.ts";
import type { Stats } from "../../stats/stats.ts";
import type { CommandDispatcher } from "./commands.ts";

/** A socket of the instance, with its real address. */
export type HostSocket = Pick<WorkerSocket, "address" | "protocol" | "certificate">;

/** What there is to command. */
interface Admission {
  readonly operators: CommandDispatcher;
  readonly stats: () => Promise<Stats>;
}

/** Commands one instance, from its start to its end. */
export class InProcessOperator {
  /**
   * Resolves with the sockets as soon as every slot accepts for the first time; rejects
   * if the instance ends before.
   */
  readonly accepting: Promise<readonly HostSocket[]>;
  /** Resolves as soon as the sockets are open and the master takes commands; rejects like that. */
  readonly admitted: Promise<unknown>;
  readonly #accepting = Promise.withResolvers<readonly HostSocket[]>();
  readonly #admission = Promise.withResolvers<Admission>();
  readonly #end = Promise.withResolvers<never>();

  /** Nothing is there yet: whoever starts the instance calls what follows. */
  constructor() {
    this.accepting = this.#accepting.promise;
    this.admitted = this.#admission.promise;
    // Whoever waits for one of them is told; that nobody does is no error.
    for (const { promise } of [this.#accepting, this.#admission, this.#end]) {
      promise.catch(() => {});
    }
  }

  /**
   * Runs an instance to its end, and tells everybody who waits for it how it ended.
   *
   * @param why What an end of this kind means to them.
   */
  async during<T>(run: () => Promise<T>, why: (end: T) => string): Promise<T> {
    try {
      const end = await run();
      this.#ended(new Error(why(end)));
      return end;
    } catch (error) {
      this.#ended(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  }

  /** The master takes commands. */
  admit(operators: CommandDispatcher, stats: () => Promise<Stats>): void {
    this.#admission.resolve({ operators, stats });
  }

  /** Every slot accepts for the first time. */
  ready(sockets: readonly HostSocket[]): void {
    this.#accepting.resolve(sockets);
  }

  /**
   * Gives a command, as soon as the master takes any.
   *
   * @param why Who gives it, for the log.
   * @returns What came of it.
   * @throws {Error} If the instance has ended.
   */
  async order(name: CommandName, why: string): Promise<Verdict> {
    const { operators } = await this.#inOffice();
    const { verdict } = operators.take(commandNamed(name), { argument: null, why }, true);
    if (verdict === null) throw new TypeError(`${name} has no verdict`);
    return await Promise.race([verdict, this.#end.promise]);
  }

  /**
   * The stats as they are now.
   *
   * @throws {Error} If the instance has ended.
   */
  async stats(): Promise<Stats> {
    const { stats } = await this.#inOffice();
    return await Promise.race([stats(), this.#end.promise]);
  }

  /** What was admitted is gone when the instance has ended. */
  #inOffice(): Promise<Admission> {
    return Promise.race([this.#end.promise, this.#admission.promise]);
  }

  #ended(reason: Error): void {
    for (const { reject } of [this.#accepting, this.#admission, this.#end]) reject(reason);
  }
}
