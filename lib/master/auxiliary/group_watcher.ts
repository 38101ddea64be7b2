/**
 * Runs in the master. Makes sure that no process group outlives the master, however that ends: a shell
 * knows the groups and reads from a pipe that only the master can write to. The end of the pipe is the
 * end of the groups.
 *
 * The kernel could end a child with its parent (prctl(2), PR_SET_PDEATHSIG), but only the child itself
 * can ask for it, a shell has no words for that, and it would not hold for what the child starts.
 *
 * @module
 */

import { logLine } from "../log.ts";
import { guarded } from "../guarded.ts";

/** `+ GROUP` adds a group, `- GROUP` takes it away. */
const WATCH = `trap '' HUP INT QUIT TERM USR1 USR2 ALRM
groups=
while read -r sign group; do
  if [ "$sign" = + ]; then groups="$groups $group"; continue; fi
  rest=
  for known in $groups; do [ "$known" = "$group" ] || rest="$rest $known"; done
  groups=$rest
done
for group in $groups; do kill -KILL "-$group"; done`;

/** The groups that end with the master. */
export class GroupWatcher {
  readonly #groups = new Set<number>();
  #process: Deno.ChildProcess | null = null;
  #writer: WritableStreamDefaultWriter<Uint8Array> | null = null;

  /** From the moment this resolves, the group does not outlive the master. */
  async add(group: number): Promise<void> {
    this.#groups.add(group);
    if (this.#writer === null) await this.#start();
    else await this.#say(`+ ${group}`);
  }

  /** The group is gone. When it was the last one, so is the shell. */
  async remove(group: number): Promise<void> {
    this.#groups.delete(group);
    await this.#say(`- ${group}`);
    if (this.#groups.size > 0) return;
    const [writer, process] = [this.#writer, this.#process];
    this.#writer = null;
    this.#process = null;
    await writer?.close().catch(() => {});
    await process?.status;
  }

  async #start(): Promise<void> {
    const process = new Deno.Command("/bin/sh", {
      args: ["-c", WATCH],
      stdin: "piped",
      stdout: "null",
      stderr: "null",
      detached: true,
    }).spawn();
    this.#process = process;
    this.#writer = process.stdin.getWriter();
    guarded("watch companions", () => process.status.then(() => this.#restart(process)));
    await Promise.all([...this.#groups].map((group) => this.#say(`+ ${group}`)));
  }

  /** Somebody has killed the shell. */
  async #restart(process: Deno.ChildProcess): Promise<void> {
    if (this.#process !== process) return;
    // If it cannot be started now, the next companion does so.
    this.#writer = null;
    await this.#start();
    const text = "The watcher of companions was killed, and was started again";
    logLine("warning", text, { event: "companionWatcherGone", pid: process.pid });
  }

  async #say(line: string): Promise<void> {
    // When the shell is gone, its successor learns all groups.
    await this.#writer?.write(new TextEncoder().encode(`${line}\n`)).catch(() => {});
  }
}
