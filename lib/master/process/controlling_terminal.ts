/**
 * Runs in the master. Whether this process has a controlling terminal, and what SIGHUP means to it:
 * terminals send it when they are closed, and operators send it for a reload.
 *
 * @module
 */

/** Tells the next program that SIGHUP was ignored when the first one began: a handler does not last. */
const NOHUP_VARIABLE = "DUWSGI_NOHUP";

/** The terminal that this process was started from. */
export class ControllingTerminal {
  /** Whether its end is the end of the process. */
  readonly #matters: boolean;
  /** Whether SIGHUP was ignored at the start. */
  readonly #ignored: boolean;
  #closed = false;

  /** Looks at both; call it before anything listens to a signal: with the first one Deno takes SIGHUP. */
  constructor() {
    this.#ignored = takeNohup() || ignoresHangup();
    this.#matters = !this.#ignored && hasTerminal();
  }

  /**
   * What a SIGHUP is: a `reload` of an operator, or the terminal was `closed`. Shells pass on the one they
   * get, so the same end may be told twice: then it is `again`.
   */
  hangup(): "reload" | "closed" | "again" {
    if (!this.#matters) return "reload";
    if (this.#closed) return "again";
    if (hasTerminal()) return "reload";
    this.#closed = true;
    return "closed";
  }

  /** What the program that replaces this one has to know. */
  get environment(): Readonly<Record<string, string>> {
    return this.#ignored ? { [NOHUP_VARIABLE]: "1" } : {};
  }
}

function takeNohup(): boolean {
  try {
    const set = Deno.env.has(NOHUP_VARIABLE);
    if (set) Deno.env.delete(NOHUP_VARIABLE);
    return set;
  } catch {
    // Whoever has duwsgi as a library may not allow it; its program is never replaced.
    return false;
  }
}

/** tty(4): where there is none, the device that stands for it cannot be opened (ENXIO). */
function hasTerminal(): boolean {
  try {
    Deno.openSync("/dev/tty").close();
    return true;
  } catch {
    return false;
  }
}

/** The signals that are ignored, as a mask in hexadecimal (proc_pid_status(5)); SIGHUP is the first. */
function ignoresHangup(): boolean {
  try {
    const [, mask = "1"] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(
      Deno.readTextFileSync("/proc/self/status"),
    ) ?? [];
    return (BigInt(`0x${mask}`) & 1n) === 1n;
  } catch {
    // Nobody knows: then it is what it is without a terminal.
    return true;
  }
}
