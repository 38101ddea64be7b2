/**
 * Runs in the master, in a thread that does nothing else: it restricts itself with Landlock, and starts
 * the processes that the master asks for, which inherit the restrictions. The master's other threads, and
 * what they start, have none.
 *
 * @module
 */

import { bindThread } from "../../../system/process/cpu_affinity.ts";
import { requireLibc } from "../../../system/libc.ts";
import { restrictThread } from "../../../system/process/landlock.ts";
import { ANSWER, type SpawnAnswer, type SpawnRequest, type ThreadSetup } from "./spawn_request.ts";

/** As much of `self` as there is in a thread. */
interface Thread {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: SpawnAnswer, transfer?: Transferable[]): void;
}

const thread = globalThis as unknown as Thread;

thread.onmessage = ({ data }: MessageEvent<ThreadSetup>) => {
  try {
    restrictThread(requireLibc(), data.rules);
  } catch (error) {
    return thread.postMessage({ type: "refused", error: messageOf(error) });
  }
  thread.onmessage = ({ data }: MessageEvent<SpawnRequest>) => start(data);
  thread.postMessage({ type: "restricted" });
};

/** Starts a process, and tells the master, which waits for the answer in shared memory. */
function start({ id, program, args, cwd, env, stdout, cpus, answer }: SpawnRequest): void {
  const cells = new Int32Array(answer, 0, ANSWER.words);
  // Waiting for this has been given up.
  if (Atomics.load(cells, ANSWER.result) !== 0) return;
  try {
    if (cpus !== null) bindThread(requireLibc(), cpus);
    const child = new Deno.Command(program, {
      args: [...args],
      ...(cwd === undefined ? {} : { cwd }),
      env,
      stdin: "null",
      stdout: stdout ? "piped" : "inherit",
      stderr: "piped",
    }).spawn();
    if (!finish(cells, child.pid)) return child.kill("SIGKILL");
    const streams = [child.stderr, ...stdout ? [child.stdout] : []];
    thread.postMessage({ type: "started", id, streams }, streams);
    void child.status.then((status) => thread.postMessage({ type: "ended", id, status }));
  } catch (error) {
    const text = new TextEncoder().encode(messageOf(error)).subarray(0, ANSWER.textBytes);
    new Uint8Array(answer, cells.byteLength).set(text);
    Atomics.store(cells, ANSWER.length, text.length);
    finish(cells, ANSWER.failed);
  }
}

/** False if nobody waits for the result any more. */
function finish(cells: Int32Array<SharedArrayBuffer>, result: number): boolean {
  if (Atomics.compareExchange(cells, ANSWER.result, 0, result) !== 0) return false;
  Atomics.notify(cells, ANSWER.result);
  return true;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
