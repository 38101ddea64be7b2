/**
 * Runs in the master. What an instance has for as long as it lives: its sockets, its scoreboard, the
 * socket for control pipes.
 *
 * @module
 */

import { UserError } from "../cli/exit_code.ts";
import { Scoreboard, SCOREBOARD_BYTES } from "../protocol/scoreboard.ts";
import { duplicate } from "../system/descriptor.ts";
import { type Libc, libc } from "../system/libc.ts";
import { type LineWriter, stderrLines } from "../system/line_writer.ts";
import type { PassedSocket } from "../system/passed_sockets.ts";
import { createSharedMemory, mapSharedMemory } from "../system/shared_memory.ts";
import { ControlServer } from "./control_server.ts";
import { Listeners, type SocketConfig } from "./listeners.ts";

/** The lasting things of an instance. */
export interface Surroundings {
  readonly libc: Libc | null;
  readonly listeners: Listeners;
  readonly control: ControlServer;
  readonly scoreboard: Scoreboard;
  /** Descriptor of the scoreboard's memory; null without foreign functions. */
  readonly scoreboardFd: number | null;
  /** A second descriptor of the master's stderr, for workers; null without foreign functions. */
  readonly stderrFd: number | null;
  /** Writes whole lines to stderr. */
  readonly write: LineWriter;
  /** Seconds since the epoch. */
  readonly startedOn: number;
}

/**
 * Opens everything.
 *
 * @throws {UserError} If a socket cannot be opened; nothing is left behind.
 */
export async function openSurroundings(
  config: SocketConfig,
  passedSockets: readonly PassedSocket[],
): Promise<Surroundings> {
  const c = libc();
  const listeners = await Listeners.open(c, config, passedSockets);
  const scoreboardFd = c && createSharedMemory(c, "duwsgi-scoreboard", SCOREBOARD_BYTES);
  const memory = c === null || scoreboardFd === null
    ? new SharedArrayBuffer(SCOREBOARD_BYTES)
    : mapSharedMemory(c, scoreboardFd, SCOREBOARD_BYTES);
  return {
    libc: c,
    listeners,
    control: openControl(listeners),
    scoreboard: new Scoreboard(memory),
    scoreboardFd,
    stderrFd: c && duplicate(c, 2),
    write: stderrLines(c, scoreboardFd),
    startedOn: Math.floor(Date.now() / 1000),
  };
}

function openControl(listeners: Listeners): ControlServer {
  try {
    return new ControlServer();
  } catch (error) {
    listeners.close(true);
    const reason = error instanceof Error ? error.message : String(error);
    const advice = "set TMPDIR to a directory that this user may write to";
    throw new UserError("socket", `Cannot open the socket for control pipes: ${reason}: ${advice}`);
  }
}

/** Closes everything. */
export function closeSurroundings(surroundings: Surroundings, vacuum: boolean): void {
  const { libc: c, control, listeners, scoreboardFd, stderrFd } = surroundings;
  control.close();
  listeners.close(vacuum);
  if (scoreboardFd !== null) c?.close(scoreboardFd);
  if (stderrFd !== null) c?.close(stderrFd);
}
