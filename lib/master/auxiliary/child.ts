/**
 * Runs in the master. Shell commands that run beside the workers: each in a session of its own, with no
 * descriptor of the master's, and none outlives the master.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import { openDescriptors, setInherited } from "../../system/descriptor.ts";
import { type Libc, libc } from "../../system/libc.ts";
import { fulfilledWithin, pause } from "../../system/timing.ts";
import { type LineRelay, relayLines } from "../logging/line_relay.ts";
import { GroupWatcher } from "./group_watcher.ts";
import { describeExit } from "../workers/worker_process.ts";
import { keepWorkingDirectory } from "../process/working_directory.ts";
import { logLine } from "../log.ts";

/** Waits until the group is watched; without a master there is nothing to become. */
const BECOME = `read -r _ && exec /bin/sh -c "$0" </dev/null`;

/** How often a group that was asked to end is looked at (50 ms). */
const LOOK_MS = 50;

/** After a command's end, what it printed has this long to arrive. */
const OUTPUT_AFTER_EXIT_MS = 500;

/** What a command is started with. */
export interface ChildOptions {
  /** For /bin/sh. */
  readonly command: string;
  /** Variables on top of the master's own. */
  readonly env: Readonly<Record<string, string>>;
  /** Its directory; empty: the master's. */
  readonly cwd?: string;
  readonly uid?: number | null;
  readonly gid?: number | null;
  /** A line it printed. */
  readonly onLine: (stream: "stdout" | "stderr", line: string) => void;
}

const watcher = new GroupWatcher();

/** A running command and everything in its process group. */
export class ShellCommand {
  readonly #process: Deno.ChildProcess;
  readonly #relays: readonly LineRelay[];
  #asked = false;
  #killed = false;
  /** Resolves when the group has ended and what it printed was passed on; says how the command ended. */
  readonly exited: Promise<{ readonly how: string; readonly success: boolean }>;

  /**
   * Starts a command.
   *
   * @throws {Error} If the process cannot be started.
   */
  constructor(options: ChildOptions) {
    keepWorkingDirectory();
    keepDescriptors(libc());
    this.#process = new Deno.Command("/bin/sh", {
      ...commandOptions(options),
      args: ["-c", BECOME, options.command],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const { stdout, stderr } = this.#process;
    this.#relays = [
      relayLines(stdout, (line) => options.onLine("stdout", line)),
      relayLines(stderr, (line) => options.onLine("stderr", line)),
    ];
    this.exited = this.#watch(this.#release());
  }

  /** Process id of the command, which is that of its group. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Sends a signal to the whole group; nothing happens when it is gone. */
  signal(signal: Deno.Signal): void {
    signalGroup(this.pid, signal);
  }

  /** Asks the whole group to end: from now on it is waited for, not only for the command. */
  ask(signal: Deno.Signal): void {
    this.#asked = true;
    this.signal(signal);
  }

  /** Ends the whole group. */
  kill(): void {
    this.#killed = true;
    this.signal("SIGKILL");
  }

  async #release(): Promise<void> {
    try {
      await watcher.add(this.pid);
    } catch (error) {
      const reason = errorText(error);
      const text =
        `Process ${this.pid} is not started, because nothing would end it with the master: ${reason}`;
      logLine("error", text, { event: "companionUnwatched", pid: this.pid, reason });
      return this.kill();
    }
    const writer = this.#process.stdin.getWriter();
    try {
      await writer.write(new Uint8Array([10]));
      await writer.close();
    } catch {
      // It was killed already.
    }
  }

  async #watch(
    released: Promise<void>,
  ): Promise<{ readonly how: string; readonly success: boolean }> {
    const status = await this.#process.status;
    // A shell dies of a signal at once, and what it runs finishes its work.
    while (this.#asked && !this.#killed && isGroup(this.pid)) await pause(LOOK_MS);
    // What a command leaves behind goes with it: nobody else would ever end it.
    this.signal("SIGKILL");
    for (const relay of this.#relays) {
      await fulfilledWithin(relay.done, OUTPUT_AFTER_EXIT_MS);
      relay.cancel();
    }
    await released;
    await watcher.remove(this.pid);
    return { how: describeExit(status), success: status.success };
  }
}

/**
 * Starts a command that outlives the master; its output goes where the master's does.
 *
 * @throws {Error} If the process cannot be started.
 */
export function startIndependent(options: Omit<ChildOptions, "onLine">): Deno.ChildProcess {
  keepWorkingDirectory();
  keepDescriptors(libc());
  const child = new Deno.Command("/bin/sh", {
    ...commandOptions(options),
    args: ["-c", options.command],
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  child.unref();
  return child;
}

/** Sends a signal to a process group that may be gone already. */
export function signalGroup(leader: number, signal: Deno.Signal): void {
  try {
    Deno.kill(-leader, signal);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof TypeError)) throw error;
  }
}

function isGroup(leader: number): boolean {
  try {
    Deno.kill(-leader, 0 as unknown as Deno.Signal);
    return true;
  } catch {
    // Nobody is there, or nobody of ours.
    return false;
  }
}

function commandOptions(options: Omit<ChildOptions, "onLine">): Deno.CommandOptions {
  const { env, cwd = "", uid, gid } = options;
  return {
    env: { ...env },
    detached: true,
    ...(cwd === "" ? {} : { cwd }),
    ...(typeof uid === "number" ? { uid } : {}),
    ...(typeof gid === "number" ? { gid } : {}),
  };
}

let kept = false;

/**
 * What the master opens itself is closed in its children anyway; this is for what it inherited from
 * whoever started it.
 */
function keepDescriptors(c: Libc | null): void {
  if (kept || c === null) return;
  kept = true;
  for (const fd of openDescriptors(c)) {
    if (fd > 2) setInherited(c, fd, false);
  }
}
