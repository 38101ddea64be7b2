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
  readonly connections: number;
  readonly seconds: number;
  /** The only processor that wrk may run on; null: all. */
  readonly cpu: number | null;
}

/**
 * Loads a server with one thread of wrk; returns the answered requests per second.
 *
 * @throws {Error} If an answer was missing or was not good.
 */
export async function runWrk({ address, connections, seconds, cpu }: WrkOptions): Promise<number> {
  const wrk = new Started({
    command: ["wrk", "-t1", `-c${connections}`, `-d${seconds}s`, `http://${address}/`],
    cpu,
  });
  return requestsPerSecond(await wrk.output());
}

/**
 * Reads what wrk prints.
 *
 * @throws {Error} If it tells of errors, or no result.
 */
export function requestsPerSecond(text: string): number {
  const rate = /^Requests\/sec:\s+([\d.]+)$/m.exec(text)?.[1];
  if (rate === undefined || /^\s*(Socket errors|Non-2xx)/m.test(text)) {
    throw new Error(`wrk did not get all answers:\n${text}`);
  }
  return Number(rate);
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
