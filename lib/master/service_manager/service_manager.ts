/**
 * Runs in the master. Tells the service manager how the instance is, and that the master's loop runs
 * (sd_notify(3), sd_watchdog_enabled(3)). Loaded only where somebody listens.
 *
 * @module
 */

import { printable } from "../../foreign_text.ts";
import { errorText, EXIT, type UserError } from "../../errors.ts";
import type { MasterState } from "../../core/state.ts";
import { type Libc, libc, SystemCallError } from "../../system/libc.ts";
import { monotonicMicroseconds } from "../../system/monotonic_clock.ts";
import { NotifySocket } from "../../system/sockets/notify_socket.ts";
import { logLine } from "../log.ts";
import { NOTHING_NOTIFIED, type Notification, notifications } from "./notifications.ts";

/** What could not be sent because the service manager was busy is tried again after this (1 s). */
const RETRY_MS = 1_000;

/** A service manager that listens. */
export class ServiceManager {
  readonly #c: Libc;
  readonly #socket: NotifySocket;
  readonly #watchdogMs: number | null;
  readonly #unsent: string[] = [];
  #told = NOTHING_NOTIFIED;
  #watchdogAt = performance.now();
  #complained = false;

  /** The variables that led here, for a program that replaces this one. */
  readonly environment: Readonly<Record<string, string>>;

  /**
   * Takes the variables of sd_notify(3) and sd_watchdog_enabled(3).
   *
   * @throws {TypeError} If the address is of a kind that is not known.
   */
  constructor(c: Libc, environment: Readonly<Record<string, string>>) {
    const { NOTIFY_SOCKET: address = "", WATCHDOG_USEC = "", WATCHDOG_PID } = environment;
    this.#c = c;
    this.environment = environment;
    this.#socket = new NotifySocket(c, address);
    this.#watchdogMs = watchdogMs(WATCHDOG_USEC, WATCHDOG_PID, Deno.pid);
  }

  /**
   * When {@linkcode show} is to be called at the latest, changes or not (monotonic ms). Only the
   * master's loop calls it, so that a loop that does not run is noticed.
   */
  get deadline(): number | null {
    if (this.#unsent.length > 0) return performance.now() + RETRY_MS;
    return this.#watchdogMs === null ? null : this.#watchdogAt;
  }

  /** Tells what a turn of the master has changed, and that there was one. */
  show(before: MasterState, state: MasterState): void {
    const { told, messages } = notifications(this.#told, before, state, Deno.pid);
    this.#told = told;
    for (const message of messages) this.#send(message);
    this.#feedWatchdog();
    this.#flush();
  }

  /** Tells why the program ends, and how: its exit code, and the error number of a call that failed. */
  failed({ message, exit, cause }: UserError): void {
    this.#send({
      STATUS: printable(message.replaceAll(/\s+/g, " ")),
      EXIT_STATUS: String(EXIT[exit].code),
      ...(cause instanceof SystemCallError ? { ERRNO: String(cause.errno) } : {}),
    });
    this.#flush();
  }

  /** This program has replaced the one that announced the reload, which ends with it. */
  takeOver(): void {
    this.#told = { ...NOTHING_NOTIFIED, phase: "reloading" };
  }

  /** Says no more. */
  close(): void {
    this.#socket.close();
  }

  #feedWatchdog(): void {
    const now = performance.now();
    if (this.#watchdogMs === null || now < this.#watchdogAt) return;
    this.#watchdogAt = now + this.#watchdogMs;
    if (this.#unsent.length === 0) this.#send({ WATCHDOG: "1" });
  }

  #send(message: Notification): void {
    const all = "RELOADING" in message
      ? { ...message, MONOTONIC_USEC: String(monotonicMicroseconds(this.#c)) }
      : message;
    this.#unsent.push(Object.entries(all).map(([name, value]) => `${name}=${value}\n`).join(""));
  }

  /** Sends what there is, in order, as far as the service manager takes it. */
  #flush(): void {
    try {
      for (let [next] = this.#unsent; next !== undefined; [next] = this.#unsent) {
        if (!this.#socket.send(next)) return;
        this.#unsent.shift();
      }
    } catch (error) {
      this.#unsent.length = 0;
      const reason = errorText(error);
      if (!this.#complained) complain(reason);
      this.#complained = true;
    }
  }
}

/** The variables that are meant for this process, and not for its children. */
const VARIABLES = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] as const;

/** Takes the service manager's address out of the environment; null: nobody listens, or cannot. */
export function findServiceManager(): ServiceManager | null {
  const environment: Record<string, string> = {};
  for (const name of VARIABLES) {
    const value = Deno.env.get(name);
    if (value !== undefined) environment[name] = value;
    Deno.env.delete(name);
  }
  if (!environment.NOTIFY_SOCKET) return null;
  const c = libc();
  try {
    if (c === null) throw new Error("foreign functions are refused (allow them with --allow-ffi)");
    return new ServiceManager(c, environment);
  } catch (error) {
    complain(errorText(error));
    return null;
  }
}

/** How often to be heard of: twice in the time after which the service manager gives up. */
export function watchdogMs(
  usec: string,
  watchedPid: string | undefined,
  ownPid: number,
): number | null {
  if (watchedPid !== undefined && watchedPid !== String(ownPid)) return null;
  return /^[1-9][0-9]{0,18}$/.test(usec) ? Number(usec) / 2_000 : null;
}

function complain(reason: string): void {
  const text = `Cannot tell the service manager (NOTIFY_SOCKET) how the instance is: ${reason}`;
  logLine("warning", text, { event: "notNotified" });
}
