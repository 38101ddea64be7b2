/**
 * Runs in the master. Shell commands that run beside the workers: each in a session of its own, with no
 * descriptor of the master's, and none outlives the master.
 *
 * The kernel could end a child with its parent (prctl(2), PR_SET_PDEATHSIG), but only the child itself
 * can ask for it, a shell has no words for that, and it would not hold for what the command starts. So
 * the shell that becomes the command leaves a watcher behind: a grandchild in the same process group
 * that reads from a pipe which only the master can write to. Its end, however it comes about, ends the
 * whole group. The watcher is nobody's child, so that commands which wait for all of theirs do not wait
 * for it.
 *
 * @module
 */

import { openDescriptors, setInherited } from "../../system/descriptor.ts";
import { type Libc, libc } from "../../system/libc.ts";
import { fulfilledWithin } from "../../system/timing.ts";
import { type LineRelay, relayLines } from "../line_relay.ts";
import { inWords } from "../worker_process.ts";

/** Becomes the command in `$0`, which gets /dev/null as its input. */
const WATCHED = `exec 3<&0 </dev/null
( ( trap '' HUP INT QUIT TERM USR1 USR2 ALRM WINCH
read -r _ <&3
kill -KILL 0 ) >/dev/null 2>&1 & )
exec 3<&- /bin/sh -c "$0"`;

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

/** A running command and everything in its process group. */
export class Child {
  readonly #process: Deno.ChildProcess;
  readonly #relays: readonly LineRelay[];
  /** Resolves when the command has ended and what it printed was passed on; says how it ended. */
  readonly exited: Promise<{ readonly how: string; readonly success: boolean }>;

  /**
   * Starts a command.
   *
   * @throws {Error} If the process cannot be started.
   */
  constructor(options: ChildOptions) {
    keepDescriptors(libc());
    this.#process = new Deno.Command("/bin/sh", {
      ...commandOptions(options),
      args: ["-c", WATCHED, options.command],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const { stdout, stderr } = this.#process;
    this.#relays = [
      relayLines(stdout, (line) => options.onLine("stdout", line)),
      relayLines(stderr, (line) => options.onLine("stderr", line)),
    ];
    this.exited = this.#watch();
  }

  /** Process id of the command, which is that of its group. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Sends a signal to the whole group; nothing happens when it is gone. */
  signal(signal: Deno.Signal): void {
    signalGroup(this.pid, signal);
  }

  async #watch(): Promise<{ readonly how: string; readonly success: boolean }> {
    const status = await this.#process.status;
    // What is left of the group goes with its leader: nobody else would ever end it.
    this.signal("SIGKILL");
    await this.#process.stdin.close().catch(() => {});
    for (const relay of this.#relays) {
      await fulfilledWithin(relay.done, OUTPUT_AFTER_EXIT_MS);
      relay.cancel();
    }
    return { how: inWords(status), success: status.success };
  }
}

/**
 * Starts a command that outlives the master; its output goes where the master's does.
 *
 * @throws {Error} If the process cannot be started.
 */
export function startIndependent(options: Omit<ChildOptions, "onLine">): Deno.ChildProcess {
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
