/**
 * Reads stats as their clients do: connect, read to the end, parse.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Stats } from "../../lib/stats/stats.ts";
import type { RunningMaster } from "./running_master.ts";

/** Where the stats of a master are to be had: what its log says. */
export function statsAddresses(master: RunningMaster): string[] {
  const found = master.events.filter(({ event }) => event === "banner")
    .flatMap(({ message }) => /^Stats at (.*)$/.exec(message)?.[1] ?? []);
  return [...new Set(found)];
}

/** Connects to `host:port`, a path, or `@name`. */
export async function connectTo(address: string): Promise<Deno.Conn> {
  const tcp = /^([^@/].*):(\d+)$/.exec(address);
  if (tcp !== null) return await Deno.connect({ hostname: tcp[1] ?? "", port: Number(tcp[2]) });
  const path = address.replace(/^@/, "\0");
  return await Deno.connect({ transport: "unix", path });
}

/** Says something, and reads to the end. */
export async function readAll(address: string, request = ""): Promise<string> {
  using connection = await connectTo(address);
  if (request !== "") await connection.write(new TextEncoder().encode(request));
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  while (true) {
    const chunk = new Uint8Array(65_536);
    const length = await connection.read(chunk);
    if (length === null) return await new Blob(chunks).text();
    chunks.push(chunk.subarray(0, length));
  }
}

/** The stats at an address. */
export async function readStats(address: string): Promise<Stats> {
  return JSON.parse(await readAll(address)) as Stats;
}

/** What uwsgitop 0.12 reads, with the types that its format strings need. */
const UWSGITOP = {
  instance: { version: "string", listen_queue: "number", cwd: "string" } as const,
  ids: { uid: "number", gid: "number", pid: "number" } as const,
  worker: {
    id: "number",
    pid: "number",
    requests: "number",
    exceptions: "number",
    signals: "number",
    status: "string",
    avg_rt: "number",
    rss: "number",
    vsz: "number",
    tx: "number",
    respawn_count: "number",
    harakiri_count: "number",
    running_time: "number",
    last_spawn: "number",
  } as const,
  core: { id: "number", requests: "number", in_request: "number" } as const,
};

/** Takes a document as uwsgitop does; returns the lines it would show. */
export function readAsUwsgitop(document: unknown): string[] {
  const instance = document as Record<string, unknown>;
  check(instance, { ...UWSGITOP.instance, ...UWSGITOP.ids });
  assert(!("vassals" in instance), "uwsgitop would take it for an emperor");
  const workers = instance.workers as Record<string, unknown>[];
  return workers.map((worker) => {
    check(worker, UWSGITOP.worker);
    assert(["idle", "busy", "cheap", "pause"].includes(String(worker.status)));
    for (const core of worker.cores as Record<string, unknown>[]) check(core, UWSGITOP.core);
    return ["id", "requests", "exceptions", "status"].map((key) => worker[key]).join(" ");
  });
}

function check(value: Record<string, unknown>, types: Readonly<Record<string, string>>): void {
  for (const [key, type] of Object.entries(types)) {
    assertEquals(typeof value[key], type, key);
    if (type === "number") assert(Number.isSafeInteger(value[key]), `${key}: ${value[key]}`);
  }
}

/** Sum over all workers. */
export function total(stats: Stats, count: (worker: Stats["workers"][number]) => number): number {
  return stats.workers.reduce((sum, worker) => sum + count(worker), 0);
}
