/**
 * Runs in the master. What an instance has for as long as it lives: its sockets, its scoreboard, the
 * socket for control pipes.
 *
 * @module
 */

import { viewAddresses } from "../config/options/exporting.ts";
import { namedPaths, type PermissionConfig } from "../config/options/permissions.ts";
import { errorText, UserError } from "../errors.ts";
import { lineHead, whoPrints } from "../log/line_head.ts";
import { lazyImport } from "../lazy_import.ts";
import { MasterClock, SHARED_BYTES } from "../shared_memory/process_row.ts";
import { duplicate } from "../system/descriptor.ts";
import { type Libc, libc } from "../system/libc.ts";
import type { EntrySink } from "../log/stream.ts";
import {
  type LineWriter,
  MASTER_LOCK_WAIT_MS,
  printLine,
  stderrLines,
} from "../system/files/line_writer.ts";
import type { PassedSocket } from "../system/sockets/passed_sockets.ts";
import { createSharedMemory, mapSharedMemory } from "../system/shared_memory.ts";
import type { PushedCounts } from "../stats/push_format.ts";
import type { CertificateKeeper } from "./sockets/certificates.ts";
import { ControlServer } from "./sockets/control_server.ts";
import { ProcessRowPool } from "./scoreboard/process_row_pool.ts";
import type { SocketConfig } from "./sockets/listener.ts";
import { Listeners } from "./sockets/listeners.ts";
import type { LogFiles } from "./logging/log_setup.ts";
import { MasterScoreboard } from "./scoreboard/master_scoreboard.ts";
import { LazyMetrics } from "./metrics/lazy_metrics.ts";
import { type ChildLogger, setChildLogger } from "./logging/child_output.ts";
import type { StatsSocketConfig } from "./sockets/stats_listeners.ts";
import type { ProcessSetup } from "./process/process_setup.ts";
import { PathsByGeneration } from "./process/generation_paths.ts";
import type { Handover } from "./handover.ts";

/** The lasting things of an instance. */
export interface Resources {
  readonly libc: Libc | null;
  readonly listeners: Listeners;
  /** Sockets that are configured no more, for the workers that still serve them. */
  readonly outgoing: Listeners;
  /** The sockets at which the master itself shows what the instance is like. */
  readonly views: Listeners;
  readonly control: ControlServer;
  /** Certificates of TLS sockets; null: there are none. */
  readonly certificates: CertificateKeeper | null;
  readonly scoreboard: MasterScoreboard;
  /** Shows workers how long the master has watched. */
  readonly clock: MasterClock;
  /** Gives each worker and mule its part of the memory that they share with the master. */
  readonly processRows: ProcessRowPool;
  /** Descriptor of that memory; null without foreign functions. */
  readonly scoreboardFd: number | null;
  /** A second descriptor of the master's stderr, for workers; null without foreign functions. */
  readonly stderrFd: number | null;
  /** What scripts count; empty where the configuration has no metrics. */
  readonly metrics: LazyMetrics;
  /** Writes whole lines to stderr. */
  readonly write: LineWriter;
  /** Writes entries to where the log goes; null: it is plain lines on stderr. */
  readonly entries: EntrySink | null;
  /** Files and targets of the log; null: it is plain lines on stderr. */
  readonly log: LogFiles | null;
  /** Where the workers of each generation run. */
  readonly workplaces: PathsByGeneration;
  /** Pidfiles, name and user; null: nothing of that is configured. */
  readonly process: ProcessSetup | null;
  /** Seconds since the epoch. */
  readonly startedOn: number;
  /** What each pusher has told of the counters, by what was configured. */
  readonly pushed: Map<string, PushedCounts>;
}

/**
 * Opens everything.
 *
 * @throws {UserError} If a socket cannot be opened, or privileges cannot be dropped; nothing is left
 * behind.
 */
export async function openResources(
  config: SocketConfig & StatsSocketConfig & PermissionConfig,
  passedSockets: readonly PassedSocket[],
  handover: Handover | null,
  process: ProcessSetup | null,
  log: LogFiles | null,
): Promise<Resources> {
  const c = libc();
  // While there still are the privileges for it.
  const certificates = await openCertificates(c, config);
  const listeners = await Listeners.open(c, config, handover?.listeners, passedSockets);
  try {
    await process?.afterBind(listeners);
    if (process !== null) certificates?.tryAgain(config.sockets);
    log?.afterDrop();
  } catch (error) {
    listeners.close(true);
    throw error;
  }
  const views = await openTheViews(c, config, handover, listeners);
  const known = knownMemory(handover);
  const scoreboardFd = c && (known?.scoreboardFd ??
    createSharedMemory(c, "duwsgi-scoreboard", SHARED_BYTES));
  const memory = c === null || scoreboardFd === null
    ? new SharedArrayBuffer(SHARED_BYTES)
    : mapSharedMemory(c, scoreboardFd, SHARED_BYTES);
  const ownLines = () => stderrLines(c, scoreboardFd, { lockWaitMs: MASTER_LOCK_WAIT_MS });
  const scoreboard = new MasterScoreboard(memory, known?.counts);
  const lost = (lines: number) => scoreboard.countLost(lines);
  const write = counting(
    process?.tee(ownLines()) ?? ownLines(),
    lost,
  );
  const entries = log?.open(scoreboardFd, lost, (line) => process?.tell(line)) ?? null;
  if (entries === null) setChildLogger(plainly(write));
  return {
    libc: c,
    listeners,
    outgoing: new Listeners(c, handover?.outgoing ?? []),
    views,
    control: openControl([listeners, views], handover?.directory, namedPaths(config)),
    certificates,
    scoreboard,
    clock: new MasterClock(memory, known?.ticks),
    processRows: new ProcessRowPool(memory, scoreboard),
    scoreboardFd,
    metrics: new LazyMetrics({
      memory,
      shared: c !== null,
      inherited: known?.metrics ?? [],
    }),
    stderrFd: c && duplicate(c, 2),
    write,
    entries,
    log,
    workplaces: new PathsByGeneration(handover?.workplaces),
    process,
    startedOn: handover?.startedOn ?? Math.floor(Date.now() / 1000),
    pushed: new Map(Object.entries(handover?.pushed ?? {})),
  };
}

/** Whoever has no TLS sockets does not load what reads certificates. */
async function openCertificates(
  c: Libc | null,
  { sockets }: SocketConfig,
): Promise<CertificateKeeper | null> {
  if (!sockets.some(({ tls }) => tls !== undefined)) return null;
  const { CertificateKeeper } = await lazyImport<typeof import("./sockets/certificates.ts")>(
    import.meta.resolve("./sockets/certificates.ts"),
  );
  return CertificateKeeper.open(c, sockets);
}

async function openTheViews(
  c: Libc | null,
  config: StatsSocketConfig,
  handover: Handover | null,
  listeners: Listeners,
): Promise<Listeners> {
  const before = new Listeners(c, handover?.views ?? []);
  if (viewAddresses(config).length === 0 && before.records.length === 0) return before;
  const { openStatsListeners } = await lazyImport<typeof import("./sockets/stats_listeners.ts")>(
    import.meta.resolve("./sockets/stats_listeners.ts"),
  );
  try {
    const views = await openStatsListeners(c, config, before.records, listeners.addresses);
    before.closeAllBut(views);
    return views;
  } catch (error) {
    listeners.close(true);
    throw error;
  }
}

function counting(write: LineWriter, lost: (entries: number) => void): LineWriter {
  return (line) => {
    const written = write(line);
    if (!written) lost(1);
    return written;
  };
}

function plainly(write: LineWriter): ChildLogger {
  return ({ fields, level = "info" }, stream, text) => {
    const who = whoPrints(fields);
    const line = who === "" ? text : lineHead(Date.now(), level, who) + text;
    if (stream === "stdout") printLine(stream, line);
    else write(line);
  };
}

/** Counts go on where they were, unless the program before has counted in another way. */
function knownMemory(handover: Handover | null): Handover | null {
  const known = handover?.sharedBytes === SHARED_BYTES && handover.counts !== undefined;
  return known ? handover : null;
}

function openControl(
  opened: readonly Listeners[],
  directory: string | undefined,
  avoid: readonly string[],
): ControlServer {
  try {
    return new ControlServer(directory, avoid);
  } catch (error) {
    for (const listeners of opened) listeners.close(true);
    const reason = errorText(error);
    const advice = "set TMPDIR to a directory that this user may write to";
    throw new UserError("socket", `Cannot open the socket for control pipes: ${reason}: ${advice}`);
  }
}

/** Closes everything. */
export function closeResources(resources: Resources, vacuum: boolean): void {
  const { libc: c, control, listeners, outgoing, views, scoreboardFd, stderrFd } = resources;
  resources.process?.exit(vacuum);
  resources.log?.rotation.close();
  resources.certificates?.close();
  control.close();
  listeners.close(vacuum);
  outgoing.close(true);
  views.close(vacuum);
  if (scoreboardFd !== null) c?.close(scoreboardFd);
  if (stderrFd !== null) c?.close(stderrFd);
}
