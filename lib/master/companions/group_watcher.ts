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
    if (this.#writer === null) this.#start();
    this.#groups.add(group);
    await this.#say(`+ ${group}`);
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

  #start(): void {
    const process = new Deno.Command("/bin/sh", {
      args: ["-c", WATCH],
      stdin: "piped",
      stdout: "null",
      stderr: "null",
      detached: true,
    }).spawn();
    this.#process = process;
    this.#writer = process.stdin.getWriter();
    for (const group of this.#groups) void this.#say(`+ ${group}`);
    void process.status.then(() => {
      if (this.#process !== process) return;
      const text = "The watcher of companions is gone, and is started again";
      logLine("warning", text, { event: "companionWatcherGone", pid: process.pid });
      this.#start();
    });
  }

  async #say(line: string): Promise<void> {
    // When the shell is gone, its successor learns all groups.
    await this.#writer?.write(new TextEncoder().encode(`${line}\n`)).catch(() => {});
  }
}
