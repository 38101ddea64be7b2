/**
 * Runs in the master. A reload that takes a new master: the program of this process is replaced
 * (execve(2)), and the new one goes on with the sockets and the workers of the old one. What it has to
 * know is in a file without a name, whose descriptor it inherits.
 *
 * @module
 */

import { createAnonymousFile, readAnonymousFile } from "../../system/shared_memory.ts";
import { setInherited } from "../../system/descriptor.ts";
import { blockSignals, exec, unblockSignals } from "../../system/process/exec.ts";
import type { Libc } from "../../system/libc.ts";
import { ownArguments } from "../../system/process/own_command.ts";
import { DENO, type Started } from "../../system/process/program.ts";
import { HANDOVER_VARIABLE } from "./handover_environment.ts";
import type { Listener } from "../sockets/listener.ts";
import { existingDirectory, keepWorkingDirectory } from "../process/working_directory.ts";
import type { Handover } from "../handover.ts";

/** SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH. */
const WAITING_SIGNALS = [1, 2, 3, 10, 12, 15, 20, 21, 22, 28];

/**
 * Replaces the program. It does not return when that works. `role` is added to its environment.
 *
 * @throws {Error} If it cannot be done; everything is as it was.
 */
export function execWith(
  c: Libc,
  started: Started,
  handover: Handover,
  role: Readonly<Record<string, string>>,
): never {
  const fds = [
    ...listenersOf(handover).flatMap(({ worker }) => worker.fds),
    ...(handover.scoreboardFd === null ? [] : [handover.scoreboardFd]),
    ...wordDescriptors(handover),
  ];
  keepWorkingDirectory();
  const cwd = Deno.cwd();
  const file = createAnonymousFile(c, "duwsgi-handover", JSON.stringify(handover));
  blockSignals(c, WAITING_SIGNALS);
  try {
    for (const fd of [...fds, file]) setInherited(c, fd, true);
    Deno.chdir(existingDirectory(started.cwd, cwd));
    const env = { ...Deno.env.toObject(), ...role, [HANDOVER_VARIABLE]: String(file) };
    return exec(c, { path: DENO, args: [DENO, ...ownArguments(c)], env });
  } finally {
    unblockSignals(c, WAITING_SIGNALS);
    c.close(file);
    Deno.chdir(cwd);
    for (const fd of fds) setInherited(c, fd, false);
  }
}

/** The handover to this program; null: it was started in the usual way. */
export function takeHandover(c: Libc | null): Handover | null {
  const fd = Deno.env.get(HANDOVER_VARIABLE);
  if (fd === undefined || c === null) return null;
  Deno.env.delete(HANDOVER_VARIABLE);
  const handover = JSON.parse(readAnonymousFile(c, Number(fd))) as Handover;
  c.close(Number(fd));
  for (const { worker } of listenersOf(handover)) {
    for (const inherited of worker.fds) setInherited(c, inherited, false);
  }
  if (handover.scoreboardFd !== null) setInherited(c, handover.scoreboardFd, false);
  for (const fd of wordDescriptors(handover)) setInherited(c, fd, false);
  return handover;
}

function listenersOf({ listeners, outgoing, views }: Handover): readonly Listener[] {
  return [...listeners, ...outgoing, ...views];
}

function wordDescriptors({ credentials }: Handover): number[] {
  // The program before may be of a version without them.
  return Object.values(credentials).map(({ words }) => words ?? null).filter((fd) => fd !== null);
}

/** Lets the signals come that waited for the new program. */
export function listenAgain(c: Libc): void {
  unblockSignals(c, WAITING_SIGNALS);
}
