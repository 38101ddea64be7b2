/**
 * Runs in the master that is a daemon: what it says to the command that started it, which waits until
 * the daemon is up. The words are lines on what was its standard output, shown if the start fails; the
 * last one says that it did not.
 *
 * @module
 */

import { descriptorTarget } from "../../system/descriptor.ts";
import type { Libc } from "../../system/libc.ts";

/** Environment variable that tells a master that it is the daemon. */
export const DAEMON_VARIABLE = "DUWSGI_DAEMON";
/** The line that says that the daemon is up. */
export const DAEMON_IS_UP = "\u0006";

/** The way back to the command that waits. */
export class DaemonStatusPipe {
  readonly #libc: Libc;
  #fd: number | null;

  /**
   * Takes a descriptor of what was standard output. The command listens to a pipe; anything else means
   * that nobody waits, because this process was executed in the place of a daemon that is up.
   */
  constructor(c: Libc, fd: number) {
    this.#libc = c;
    this.#fd = descriptorTarget(c, fd)?.startsWith("pipe:") ? fd : null;
    if (this.#fd === null) c.close(fd);
  }

  /** Tells it a line; nothing happens when the daemon is up, or the command gone. */
  tell(line: string): void {
    if (this.#fd === null) return;
    let rest = new TextEncoder().encode(line.endsWith("\n") ? line : line + "\n");
    while (rest.length > 0) {
      const length = Number(this.#libc.write(this.#fd, rest, BigInt(rest.length)));
      if (length <= 0) return;
      rest = rest.subarray(length);
    }
  }

  /** The daemon is up: the command may end. */
  up(): void {
    this.tell(DAEMON_IS_UP);
    if (this.#fd !== null) this.#libc.close(this.#fd);
    this.#fd = null;
  }
}
