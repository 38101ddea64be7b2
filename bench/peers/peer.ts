/**
 * What `bench:peers` compares: something that serves the same app with two workers, and can replace
 * them.
 *
 * @module
 */

import { fromFileUrl } from "@std/path/posix";
import type { Started } from "../servers.ts";

/** Workers of every peer. */
export const WORKERS = 2;

/** The language runtimes; each needs its own number of rounds for the same processor time. */
export type Runtime = "deno" | "node" | "python" | "ruby";

/** What has to be there. */
export interface Requirement {
  /** A command that succeeds if it is there. */
  readonly check: readonly string[];
  /** The Debian package that brings it. */
  readonly debian: string;
}

/** What a peer is started with. */
export interface Place {
  /** A free port of 127.0.0.1. */
  readonly port: number;
  /** Rounds of work that take 2 ms. */
  readonly rounds: number;
  /** A temporary directory, removed after the bench; npm packages are installed there. */
  readonly directory: string;
}

/** A peer that serves. */
export interface RunningPeer extends AsyncDisposable {
  /** `host:port`. */
  readonly address: string;
  /** Pid of the process that everything else is below. It changes where a reload is a restart. */
  readonly root: number;
  /** Replaces the workers; ends when the peer says that it is done, if it says so. */
  reload(): Promise<void>;
}

/** Something to compare. */
export interface Peer {
  readonly name: string;
  readonly runtime: Runtime;
  /** How it is reloaded, for the table. */
  readonly reloadedBy: string;
  readonly requirements: readonly Requirement[];
  /** Packages from npm, with their versions. @default None */
  readonly npm?: readonly string[];
  /** A command that prints its version: the first line with a number like 1.2 is shown. */
  readonly version: readonly string[];
  /** Starts it. It need not answer yet. */
  start(place: Place): RunningPeer | Promise<RunningPeer>;
}

/** The path of something in `bench/peers`. */
export function peerFile(path: string): string {
  return fromFileUrl(new URL(path, import.meta.url));
}

/** The environment that every app reads. */
export function environment({ port, rounds, directory }: Place): Readonly<Record<string, string>> {
  return { PORT: String(port), WORK_ROUNDS: String(rounds), DIRECTORY: directory };
}

/** A peer that is one process with what it starts. */
export function running(
  { port }: Place,
  server: Started,
  reload: () => Promise<void>,
): RunningPeer {
  return {
    address: `127.0.0.1:${port}`,
    root: server.pid,
    reload,
    [Symbol.asyncDispose]: () => server.end(),
  };
}

/** Asks for something, and waits until the server prints a line about it `count` times. */
export async function untilSaid(
  server: Started,
  pattern: RegExp,
  ask: () => void,
  count = 1,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let left = count;
  server.onLine((line) => {
    if (pattern.test(line) && --left === 0) resolve();
  });
  ask();
  await promise;
}

/** Writes a command to a FIFO. */
export function writeFifo(path: string, command: string): void {
  using fifo = Deno.openSync(path, { write: true });
  fifo.writeSync(new TextEncoder().encode(command));
}
