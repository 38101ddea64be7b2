/**
 * Runs in the master, where it is process 1, as in a container: it inherits every process whose parent
 * has ended, and has to ask for its end, or the process table fills with zombies.
 *
 * How its own children ended is Deno's to ask, once for each: a zombie that was taken away would be a
 * worker that never ends. Deno asks as soon as its event loop turns, so what is still a zombie a second
 * later is nobody's.
 *
 * @module
 */

import type { Libc } from "../../system/libc.ts";
import type { KnownProcess } from "../../system/process/process_stat.ts";
import { pause } from "../../system/timing.ts";
import { reap, zombieChildren } from "../../system/process/zombies.ts";

/** How long a zombie may be one of Deno's (1 s). */
const GRACE_MS = 1_000;

/** Lets orphans go that have ended, until it is closed. */
export class OrphanReaper {
  readonly #c: Libc;
  readonly #look = () => void this.#whileThereAreZombies();
  #seen: readonly KnownProcess[] = [];
  #looking = false;
  #closed = false;

  /** Begins. */
  constructor(c: Libc) {
    this.#c = c;
    Deno.addSignalListener("SIGCHLD", this.#look);
    this.#look();
  }

  /** Ends. */
  close(): void {
    this.#closed = true;
    Deno.removeSignalListener("SIGCHLD", this.#look);
  }

  async #whileThereAreZombies(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    do {
      this.#seen = zombieChildren();
      if (this.#seen.length === 0) break;
      await pause(GRACE_MS);
      // A stopped process has not turned its event loop, however late it is.
      await pause(0);
      if (!this.#closed) this.#reapSeen();
    } while (!this.#closed);
    this.#looking = false;
  }

  /** Takes those that have been zombies all the time. */
  #reapSeen(): void {
    const now = new Set(zombieChildren().map(keyOf));
    for (const zombie of this.#seen) {
      if (now.has(keyOf(zombie))) reap(this.#c, zombie);
    }
  }
}

function keyOf({ pid, startedAt }: KnownProcess): string {
  return `${pid} ${startedAt}`;
}
