/**
 * `--smoke`: starts the instance, asks its sockets, reloads it once, stops it, and says what came of each
 * step. What a project puts in its CI.
 *
 * @module
 */

import { excerpt, printable } from "../foreign_text.ts";
import type { Config } from "../config/config.ts";
import type { Verdict } from "../core/verdict.ts";
import { type HostSocket, InProcessOperator } from "../master/operators/in_process.ts";
import { fulfilledWithin } from "../system/timing.ts";
import { errorText, EXIT, UserError } from "../errors.ts";
import { noWorkerStarted } from "../instance/instance.ts";
import { probeConnect, request } from "./smoke_request.ts";

/** What a step may take beyond what the configuration allows each of its parts (10 s). */
const MARGIN_MS = 10_000;
/** The topic that asks for no request. */
const CONNECT = "connect";

/**
 * Carries out a smoke run, and returns the exit code.
 *
 * @param topic The path to ask for, `connect`, or undefined for `/`.
 * @param run Runs the instance to its end; its exit code.
 * @throws {UserError} If the path is none, or the instance cannot begin.
 */
export async function smoke(
  topic: string | undefined,
  config: Config,
  run: (host: InProcessOperator) => Promise<number>,
): Promise<number> {
  const path = pathOf(topic);
  const host = new InProcessOperator();
  const running = host.during(
    () => run(host),
    (code) =>
      code === EXIT.noWorkerStarted.code
        ? noWorkerStarted(config.script)
        : "the instance has ended",
  );
  // It is awaited at the end; until then its error is known to who waits for the host.
  running.catch(() => {});
  const steps = new Steps();
  const passed = await accepts(steps, host, config) && await serves(steps, host, config, path) &&
    await reloads(steps, host, config) && await serves(steps, host, config, path);
  const stopped = await stops(steps, host, running, config, passed);
  // What is wrong before there is an instance has a code of its own.
  if (!stopped) await running;
  return passed && stopped ? EXIT.ok.code : EXIT.smoke.code;
}

/**
 * The path to ask for; null: only connect.
 *
 * @throws {UserError} If it is no path.
 */
export function pathOf(topic: string | undefined): string | null {
  if (topic === CONNECT) return null;
  const path = topic ?? "/";
  // What ends the line of the request would be another request.
  if (/^\/[!-~]*$/.test(path)) return path;
  throw new UserError(
    "configuration",
    `--smoke expects a path such as /health, or ${CONNECT}, not "${excerpt(path, 80)}"`,
  );
}

/** Writes a line for each step to standard output. */
class Steps {
  /** Tries one step; false, and told, if it fails. */
  async take(what: string, act: () => Promise<string>): Promise<boolean> {
    const begun = performance.now();
    try {
      const said = await act();
      const ms = Math.round(performance.now() - begun);
      console.log(printable(`ok      ${what}: ${said}, ${ms} ms`));
      return true;
    } catch (error) {
      const reason = errorText(error);
      console.log(printable(`failed  ${what}: ${reason}`));
      return false;
    }
  }
}

function accepts(steps: Steps, { accepting }: InProcessOperator, config: Config): Promise<boolean> {
  return steps.take("start", async () => {
    const { length } = await inTime(accepting, config.startTimeoutMs, "not every slot accepts");
    return `every slot accepts, on ${length === 1 ? "1 socket" : `${length} sockets`}`;
  });
}

async function serves(
  steps: Steps,
  host: InProcessOperator,
  config: Config,
  path: string | null,
): Promise<boolean> {
  let all = true;
  for (const socket of await host.accepting) {
    const passed = path === null
      ? await steps.take(`connect to ${nameOf(socket)}`, () => probeConnect(socket.address))
      : await steps.take(
        `GET ${path} at ${nameOf(socket)}`,
        () => request(socket, path, certificateOf(socket, config)),
      );
    all &&= passed;
  }
  return all;
}

/** The file of a socket's certificate; null: it has no TLS. */
function certificateOf({ certificate }: HostSocket, { sockets }: Config): string | null {
  if (certificate === undefined) return null;
  return sockets.find(({ text, tls }) => tls && text === certificate)?.tls?.certificate ?? null;
}

function nameOf({ protocol, address }: HostSocket): string {
  return `${protocol} ${address}`;
}

function reloads(steps: Steps, host: InProcessOperator, config: Config): Promise<boolean> {
  const { startTimeoutMs, workerReloadMercyMs, chainReloadVerifyMs, processes } = config;
  // A slot after the other starts one, and may have to wait for the one before to leave.
  const limitMs = processes * (startTimeoutMs + workerReloadMercyMs) + chainReloadVerifyMs;
  return steps.take("chain reload", async () => {
    const verdict = await inTime(host.order("chain-reload", "--smoke"), limitMs, "no end of it");
    return done(verdict);
  });
}

function done({ outcome, text }: Verdict): string {
  if (outcome === "done") return "every slot runs the next generation";
  throw new Error(text);
}

/** Also after a failure: nothing is left behind. */
function stops(
  steps: Steps,
  host: InProcessOperator,
  running: Promise<number>,
  { workerReloadMercyMs }: Config,
  passed: boolean,
): Promise<boolean> {
  const stop = async () => {
    host.order("stop", "--smoke").catch(() => {});
    try {
      return await inTime(running, workerReloadMercyMs, "the instance does not end");
    } catch (error) {
      host.order("kill", "--smoke").catch(() => {});
      await running;
      throw error;
    }
  };
  return steps.take("stop", async () => {
    const code = await stop();
    // After a failure it may have ended by itself.
    if (code !== EXIT.ok.code && passed) throw new Error(`the instance ended with code ${code}`);
    return "nothing is left";
  });
}

async function inTime<T>(promise: Promise<T>, limitMs: number, otherwise: string): Promise<T> {
  const ms = limitMs + MARGIN_MS;
  if (await fulfilledWithin(promise, ms)) return await promise;
  throw new Error(`${otherwise} within ${ms / 1000} s`);
}
