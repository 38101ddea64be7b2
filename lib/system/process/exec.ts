/**
 * Runs in the master. Replaces the program of this process: the same pid and children, and the
 * descriptors that are marked for it.
 *
 * @module
 */

import { check, cString, type Libc } from "../libc.ts";

/** What to run. */
export interface Program {
  /** Absolute path of the binary. */
  readonly path: string;
  /** All arguments, the name of the program first. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const SIG_BLOCK = 0;
const SIG_UNBLOCK = 1;
/** `sigset_t` of glibc: 1024 bits. */
const SIGSET_BYTES = 128;

/**
 * Runs another program in this process (execve(2)). It does not return when that works.
 *
 * @throws {SystemCallError} If the program cannot be run; everything is as it was.
 */
export function exec(c: Libc, program: Program): never {
  const texts = program.args.map(cString);
  const variables = Object.entries(program.env).map(([name, value]) => cString(`${name}=${value}`));
  const argv = pointers(texts);
  const envp = pointers(variables);
  return check(c, "execve", c.execve(cString(program.path), argv, envp)) as never;
}

/** A list of pointers with a null at its end. The texts must live as long as it is used. */
function pointers(texts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const list = new BigUint64Array(texts.length + 1);
  texts.forEach((text, i) => list[i] = Deno.UnsafePointer.value(Deno.UnsafePointer.of(text)));
  return new Uint8Array(list.buffer);
}

/** Lets these signals wait (sigprocmask(2)): a new program inherits that until it listens to them. */
export function blockSignals(c: Libc, numbers: readonly number[]): void {
  c.pthread_sigmask(SIG_BLOCK, signalSet(numbers), null);
}

/** Lets what waited come. */
export function unblockSignals(c: Libc, numbers: readonly number[]): void {
  c.pthread_sigmask(SIG_UNBLOCK, signalSet(numbers), null);
}

function signalSet(numbers: readonly number[]): Uint8Array<ArrayBuffer> {
  const set = new Uint8Array(SIGSET_BYTES);
  for (const number of numbers) {
    const bit = number - 1;
    set[bit >> 3] = (set[bit >> 3] ?? 0) | (1 << (bit & 7));
  }
  return set;
}

const WNOHANG = 1;

/** How a process ended. */
export interface ExitStatus {
  /** The exit code; null: a signal ended it. */
  readonly code: number | null;
  /** The number of the signal; null: it exited by itself. */
  readonly signal: number | null;
}

/**
 * How a child ended (waitpid(2)), null while it lives. A process that is no child of ours counts as
 * one that has gone.
 */
export function exitStatus(c: Libc, pid: number): ExitStatus | null {
  const word = new Int32Array(1);
  const found = c.waitpid(pid, new Uint8Array(word.buffer), WNOHANG);
  if (found === 0) return null;
  if (found < 0) return { code: 0, signal: null };
  const status = word[0] ?? 0;
  const signal = status & 0x7f;
  return signal === 0 ? { code: (status >> 8) & 0xff, signal: null } : { code: null, signal };
}
