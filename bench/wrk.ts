/**
 * Loads a server with wrk.
 *
 * @module
 */

import { MissingRequirement } from "./bench.ts";
import { Started } from "./servers.ts";

/** How to load. */
export interface WrkOptions {
  /** `host:port` of the server. */
  readonly address: string;
  /** What is asked for. @default "/" */
  readonly path?: string;
  readonly connections: number;
  readonly seconds: number;
  /** The only processor that wrk may run on; null: all. */
  readonly cpu: number | null;
}

/** What wrk found. */
export interface WrkResult {
  /** Answered requests per second. */
  readonly requestsPerSecond: number;
  /** How long 99 % of the answers took at most, in milliseconds. */
  readonly p99Ms: number;
  /** Connections that failed, answers that did not come in time (2 s), and other statuses than 2xx and 3xx. */
  readonly errors: number;
}

/**
 * Loads a server with one thread of wrk; returns the answered requests per second.
 *
 * @throws {Error} If an answer was missing or was not good.
 */
export async function runWrk(options: WrkOptions): Promise<number> {
  return requestsPerSecond(await outputOfWrk(options));
}

/** Loads a server with one thread of wrk, whatever comes of it. */
export async function loadWithWrk(options: WrkOptions): Promise<WrkResult> {
  return readWrk(await outputOfWrk(options));
}

function outputOfWrk(
  { address, path = "/", connections, seconds, cpu }: WrkOptions,
): Promise<string> {
  const how = ["-t1", `-c${connections}`, `-d${seconds}s`, "--latency"];
  return new Started({ command: ["wrk", ...how, `http://${address}${path}`], cpu }).output();
}

/**
 * The requests per second that wrk prints.
 *
 * @throws {Error} If it tells of errors, or no result.
 */
export function requestsPerSecond(text: string): number {
  const rate = rateIn(text);
  if (rate === undefined || errorsIn(text) > 0) {
    throw new Error(`wrk did not get all answers:\n${text}`);
  }
  return Number(rate);
}

/** Milliseconds in the units of wrk. */
const UNITS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };

/**
 * Reads what wrk prints with `--latency`.
 *
 * @throws {Error} If it is no result.
 */
export function readWrk(text: string): WrkResult {
  const rate = rateIn(text);
  const [, p99, unit = ""] = /^\s*99%\s+([\d.]+)(us|ms|s|m) *$/m.exec(text) ?? [];
  const msPerUnit = UNITS[unit];
  if (rate === undefined || p99 === undefined || msPerUnit === undefined) {
    throw new Error(`wrk found nothing:\n${text}`);
  }
  return {
    requestsPerSecond: Number(rate),
    p99Ms: Number(p99) * msPerUnit,
    errors: errorsIn(text),
  };
}

function rateIn(text: string): string | undefined {
  return /^Requests\/sec:\s+([\d.]+)$/m.exec(text)?.[1];
}

/** How many errors wrk tells of: it has a line for those of sockets, and one for statuses. */
function errorsIn(text: string): number {
  const lines = text.matchAll(/^\s*(?:Socket errors|Non-2xx or 3xx responses): (.*)$/gm);
  const counts = [...lines].flatMap(([, line = ""]) => line.match(/\d+/g) ?? []);
  return counts.reduce((sum, count) => sum + Number(count), 0);
}

/** Programs that must be installed, with the Debian package each comes in. */
const PACKAGES = { wrk: "wrk", taskset: "util-linux" } as const;

/**
 * Makes sure that wrk and taskset are there.
 *
 * @throws {MissingRequirement} If one is not.
 */
export async function requireWrk(): Promise<void> {
  for (const [program, debian] of Object.entries(PACKAGES)) {
    try {
      const command = new Deno.Command(program, {
        args: ["--version"],
        stdout: "null",
        stderr: "null",
      });
      await command.output();
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      throw new MissingRequirement(
        `Cannot find ${program}: install it with "apt install ${debian}"`,
      );
    }
  }
}
