/**
 * Runs in the worker. What duwsgi's own modules ask of the kernel while the script runs, as operations on
 * the instance's own files and sockets. An ordinary worker does them with the C library, as here. A
 * sandboxed worker has no C library any more, and closed forms of the same operations (`sandbox/`).
 *
 * @module
 */

import type { WorkerEnvironment } from "../protocol/worker_environment.ts";
import {
  hasSentAll,
  isServed,
  leaveQueues,
  queueLength,
  type Resume,
  stopAccepting,
} from "../system/sockets/accept_queue.ts";
import { type ListenPlace, openAdopted } from "../system/sockets/adopted_listener.ts";
import { endAfter } from "../system/process/death_watch.ts";
import {
  descriptorCount,
  descriptorLimit,
  duplicate,
  kernelText,
  replaceFile,
  setInherited,
} from "../system/descriptor.ts";
import { fastWrite } from "../system/files/fast_write.ts";
import type { Libc } from "../system/libc.ts";
import { type LineWriter, severalLines, stderrLines } from "../system/files/line_writer.ts";
import {
  type ClientConnection,
  clientConnections,
  type ClientSockets,
  LingeringClose,
} from "./connections/client_connections.ts";

/** Where a line can go: the log of the instance, or one of the standard streams. */
export type LineTarget = "log" | "stdout" | "stderr";

/** Writes lines to one target. */
export interface LineOutput {
  /** Writes one line; false: not all of it could be written. */
  readonly line: LineWriter;
  /** Writes lines in order; returns how many of them could not be written. */
  readonly lines: (texts: readonly string[]) => number;
}

/** Connections that end once their clients have ended them as well. */
export interface Lingering {
  /** Number of connections that are still held. */
  readonly size: number;
  /** Reads away what came too late, and lets go of connections that are over. */
  poll(): void;
}

/**
 * The operations. A queue is a listening socket of the instance; its name is the number of the descriptor
 * under which the worker inherited it, as in {@linkcode WorkerEnvironment.sockets}.
 */
export interface Operations {
  /** An output for one target. */
  lines(to: LineTarget): LineOutput;
  /** The start is over: standard error becomes the log. */
  takeStderr(): void;
  /**
   * Continues in another log file.
   *
   * @param inode What the master has opened there; null: it is not known.
   * @throws {Error} If the file cannot be opened; nothing has changed then.
   */
  reopenLog(path: string, inode: number | null): void;
  /**
   * Calls `open` with a place to listen at, and makes what it opened accept on a queue.
   *
   * @param address The queue's address, as an operator writes it.
   * @throws {Error} If that cannot be done.
   */
  adopt<T extends { readonly addr: Deno.Addr }>(
    queue: number,
    address: string,
    open: (place: ListenPlace) => T,
  ): T;
  /**
   * The number of a second descriptor of a queue, for a server that takes a descriptor and closes it.
   *
   * @throws {Error} If there is none.
   */
  descriptorOf(queue: number): number;
  /**
   * Stops all servers of this process from accepting on queues.
   *
   * @returns Lets the same servers accept again, those on some queues or all of them.
   */
  stopAccepting(queues: readonly number[]): Resume;
  /** Gives queues up for good: when nobody else has them, new clients are refused. */
  leaveQueues(queues: readonly number[]): void;
  /** True if a server of this process, of whatever kind, is set to accept from a queue. */
  isServed(queue: number): boolean;
  /** Number of connections that wait in a queue; 0 for Unix sockets. */
  queueLength(queue: number): number;
  /** The connections that clients have with this process. */
  clients(): ClientConnection[];
  /** True if the client's kernel has all that was written; for a connection of the last {@linkcode clients}. */
  hasSentAll(client: ClientConnection): boolean;
  /** Nothing more is sent on a connection of the last {@linkcode clients}; what comes is still read. */
  endSending(client: ClientConnection): void;
  /**
   * Holds connections of clients until both sides have ended them; null: there are none.
   *
   * @param isIdle True if nothing is at work for this client. Others are held only where that is safe.
   */
  linger(isIdle: (client: string) => boolean): Lingering | null;
  /** Holds so many descriptors for nothing, at most 16; returns how many there are now. */
  holdDescriptors(count: number): number;
  /** What a sandboxed worker looks at its clients with; absent: the ordinary way. */
  readonly clientSockets?: ClientSockets;
  /** The text of `/proc/self/status` (proc_pid_status(5)); empty: it cannot be read. */
  status(): string;
  /** Ends this process after some seconds, whatever it does. */
  endAfter(seconds: number): void;
  /** Takes back the alarm that the end of a thread of the master has set, see `death_watch.ts`. */
  stayWithMaster(): void;
}

/** How many descriptors a worker leaves free that holds its clients (16). */
const NEEDED_TO_LEAVE = 16;

/**
 * The connections that are held until both sides have ended them, as far as there are descriptors: idle ones
 * first, on which a request may be on its way.
 *
 * @param free How many descriptors there are for that.
 */
export function lingerers(
  clients: readonly ClientConnection[],
  isIdle: (client: string) => boolean,
  free: number,
): readonly ClientConnection[] {
  const [idle, others] = [true, false].map((wanted) =>
    clients.filter(({ client }) => isIdle(client) === wanted)
  );
  return [...idle ?? [], ...others ?? []].slice(0, Math.max(0, free));
}

const SHUT_WR = 1;
/** A worker's standard input is /dev/null. */
const NOTHING = 0;

/**
 * The operations of an ordinary worker.
 *
 * @param logFile Descriptor of a log target with this path, if the worker writes to it itself.
 */
export function ordinaryOperations(
  c: Libc,
  environment: WorkerEnvironment,
  logFile: (path: string) => number | undefined,
): Operations {
  const { stderr, words, scoreboard: lockFd, control, listen } = environment;
  const held: number[] = [];
  return {
    lines: (to) => {
      const fd = to === "log" ? stderr ?? 2 : to === "stdout" ? 1 : 2;
      // The log is written to much more often than the streams.
      const line = stderrLines(c, lockFd, to === "log" ? { fd, write: fastWrite(c) } : { fd });
      return { line, lines: severalLines(c, fd, line) };
    },
    takeStderr: () => {
      if (words !== null) {
        c.dup3(words.write, 1, 0);
        c.dup3(words.write, 2, 0);
      } else if (stderr !== null) c.dup3(stderr, 2, 0);
    },
    reopenLog: (path, inode) => {
      // A file that is no target of its own is the one that standard error goes to.
      const fd = logFile(path) ?? stderr;
      if (fd !== null) replaceFile(c, fd, path, inode);
    },
    adopt: (queue, address, open) => {
      const adopted = { fd: queue, address, backlog: listen };
      const opened = openAdopted(c, adopted, `${control}.${Deno.pid}`, open);
      setInherited(c, queue, false);
      return opened;
    },
    descriptorOf: (queue) => duplicate(c, queue),
    stopAccepting: (queues) => stopAccepting(c, ...queues),
    leaveQueues: (queues) => leaveQueues(c, ...queues),
    isServed: (queue) => isServed(c, queue),
    queueLength: (queue) => queueLength(c, queue),
    clients: () => clientConnections(c, environment),
    hasSentAll: ({ handle }) => hasSentAll(c, handle),
    endSending: ({ handle }) => void c.shutdown(handle, SHUT_WR),
    linger: (isIdle) => {
      const clients = clientConnections(c, environment);
      // Close frames and the way out need some: whoever gets none ends without being waited for.
      const free = (descriptorLimit(c) ?? Infinity) - descriptorCount(c) - NEEDED_TO_LEAVE;
      const held = lingerers(clients, isIdle, free);
      if (held.length === 0) return null;
      const duplicates: number[] = [];
      try {
        for (const { handle } of held) duplicates.push(duplicate(c, handle));
      } catch {
        // Threads of the script take some as well.
      }
      return new LingeringClose(c, duplicates);
    },
    holdDescriptors: (count) => {
      for (const fd of held.splice(count)) c.close(fd);
      try {
        while (held.length < count) held.push(duplicate(c, NOTHING));
      } catch {
        // There are no more, or the script has closed its standard input.
      }
      return held.length;
    },
    status: () => kernelText(c, "/proc/self/status"),
    endAfter: (seconds) => endAfter(c, seconds),
    // The master starts ordinary workers from its main thread, which ends with it.
    stayWithMaster: () => {},
  };
}
