/**
 * Measures duwsgi side by side with what else serves an app with several workers and replaces them.
 *
 * @module
 */

import { join } from "@std/path/posix";
import { askAddress } from "./ask.ts";
import { type Findings, type Length, MissingRequirement, runBench } from "./bench.ts";
import { reloadUnderLoad, untilServes } from "./peer_reload.ts";
import { peerFindings, type PeerResult, type Round } from "./peer_table.ts";
import { PEERS } from "./peers/all.ts";
import { install, Unavailable } from "./peers/install.ts";
import { type Peer, peerFile, type RunningPeer, type Runtime } from "./peers/peer.ts";
import { treeMemory } from "./process_tree.ts";
import { deno, Started } from "./servers.ts";
import { loadWithWrk, requireWrk, type WrkResult } from "./wrk.ts";

const CONNECTIONS = 64;

const EFFORT = {
  full: { rounds: 3, warmUpSeconds: 1, seconds: 3, reloads: 10, mostReloadSeconds: 60 },
  short: { rounds: 1, warmUpSeconds: 1, seconds: 1, reloads: 2, mostReloadSeconds: 15 },
} as const;

type Effort = (typeof EFFORT)[Length];

/** Tells how many rounds of work take 2 ms. */
const CALIBRATE: Readonly<Record<Runtime, readonly string[]>> = {
  deno: deno("run", "-A", peerFile("./work/calibrate.mjs")),
  node: ["node", peerFile("./work/calibrate.mjs")],
  python: ["/usr/bin/python3", peerFile("./work/work.py")],
  ruby: ["ruby", peerFile("./work/work.rb")],
};

/** One peer with what was found about it so far. */
class Candidate {
  readonly #peer: Peer;
  readonly #directory: string;
  #rounds: Round[] = [];
  #reloads: PeerResult["reloads"] = null;
  #version = "";
  #problem: string | null = null;

  constructor(peer: Peer, directory: string) {
    this.#peer = peer;
    this.#directory = directory;
  }

  get result(): PeerResult {
    const { name, reloadedBy } = this.#peer;
    return {
      name,
      reloadedBy,
      version: this.#version,
      rounds: this.#rounds,
      reloads: this.#reloads,
      problem: this.#problem ?? this.#reloads?.problem ?? null,
    };
  }

  /** Does something with it, unless something has failed before; a failure is noted. */
  async attempt(what: string, act: () => Promise<void>): Promise<void> {
    if (this.#problem !== null) return;
    console.error(`${this.#peer.name}: ${what}`);
    try {
      await act();
    } catch (error) {
      if (!(error instanceof Unavailable)) console.error(error);
      this.#problem = (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
    }
  }

  async prepare(): Promise<void> {
    await install(this.#peer, this.#directory);
    const output = await new Started({ command: this.#peer.version }).output();
    this.#version = output.split("\n").find((line) => /\d\.\d/.test(line)) ?? output;
  }

  async round(rounds: number, effort: Effort): Promise<void> {
    await using server = await this.#start(rounds);
    const hello = await load(server, "/hello", effort);
    const { result: json, memory } = await loadAndWeigh(server, effort);
    this.#rounds.push({ hello, json, memory });
  }

  async reload(rounds: number, { reloads, mostReloadSeconds }: Effort): Promise<void> {
    await using server = await this.#start(rounds);
    this.#reloads = await reloadUnderLoad(server, reloads, mostReloadSeconds);
  }

  async #start(rounds: number): Promise<RunningPeer> {
    const place = { port: freePort(), rounds, directory: this.#directory };
    const server = await this.#peer.start(place);
    try {
      await untilServes(server.address);
      await requireSameAnswers(server.address);
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }
}

async function measure(length: Length): Promise<Findings> {
  await requireWrk();
  const effort = EFFORT[length];
  const directory = Deno.makeTempDirSync({ prefix: "duwsgi-peers-" });
  // Also when the bench is interrupted.
  addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));
  const candidates = PEERS.map((peer, i) => {
    const own = join(directory, String(i));
    Deno.mkdirSync(own);
    return { peer, candidate: new Candidate(peer, own) };
  });
  for (const { candidate } of candidates) {
    await candidate.attempt("preparing", () => candidate.prepare());
  }
  const rounds = await calibrate(candidates.filter(({ candidate }) => !candidate.result.problem));
  for (let round = 0; round < effort.rounds; round++) {
    for (const { peer, candidate } of round % 2 === 0 ? candidates : candidates.toReversed()) {
      const work = rounds.get(peer.runtime) ?? 1;
      await candidate.attempt(`load, round ${round + 1}`, () => candidate.round(work, effort));
    }
  }
  for (const { peer, candidate } of candidates) {
    const work = rounds.get(peer.runtime) ?? 1;
    await candidate.attempt("reloads", () => candidate.reload(work, effort));
  }
  const results = candidates.map(({ candidate }) => candidate.result);
  const [ours] = results;
  if (ours?.reloads === null) throw new MissingRequirement(`duwsgi itself failed: ${ours.problem}`);
  const { text, goals } = peerFindings(results, effort.reloads);
  const found = [...rounds].map(([runtime, count]) => `${runtime} ${count}`).join(", ");
  return { text: `${text}\n\nEncodings in 2 ms of processor time: ${found}.`, goals };
}

/** How often each runtime that is there encodes in 2 ms, measured once, while nothing else runs. */
async function calibrate(
  present: readonly { readonly peer: Peer }[],
): Promise<ReadonlyMap<Runtime, number>> {
  const rounds = new Map<Runtime, number>();
  for (const runtime of new Set(present.map(({ peer }) => peer.runtime))) {
    const output = await new Started({ command: CALIBRATE[runtime] }).output();
    rounds.set(runtime, Number(output));
  }
  return rounds;
}

async function load(
  { address }: RunningPeer,
  path: string,
  { warmUpSeconds, seconds }: Effort,
): Promise<WrkResult> {
  const options = { address, path, connections: CONNECTIONS, cpu: null };
  await loadWithWrk({ ...options, seconds: warmUpSeconds });
  return await loadWithWrk({ ...options, seconds });
}

/** The same with the work, and the memory of all processes before the load has ended. */
async function loadAndWeigh(
  server: RunningPeer,
  effort: Effort,
): Promise<{ readonly result: WrkResult; readonly memory: number }> {
  const loading = load(server, "/json", effort);
  const { promise, resolve } = Promise.withResolvers<number>();
  const untilEnd = (effort.warmUpSeconds + effort.seconds - 0.5) * 1000;
  const timer = setTimeout(() => resolve(treeMemory(server.root)), untilEnd);
  try {
    return { result: await loading, memory: await promise };
  } finally {
    clearTimeout(timer);
  }
}

/** Makes sure that a peer does what all others do. */
async function requireSameAnswers(address: string): Promise<void> {
  const document = JSON.parse(Deno.readTextFileSync(peerFile("./work/document.json")));
  const expected = { "/hello": "Hello, world!\n", "/json": JSON.stringify(document) };
  for (const [path, body] of Object.entries(expected)) {
    const answer = await askAddress(address, path);
    if (answer.status !== 200 || answer.body !== body) {
      throw new Error(`${path} is answered with ${answer.status} ${JSON.stringify(answer.body)}`);
    }
  }
}

/** A port that is free now. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

if (import.meta.main) await runBench("peers", measure);
