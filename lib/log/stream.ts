/**
 * Writes entries to the targets of one log: what encoders, routes and targets say put together. Master
 * and workers use the same, each for its own entries.
 *
 * @module
 */

import type { LogStream, LogTarget } from "./log_plan.ts";
import { DatagramSender, type DatagramTransport } from "../system/sockets/datagram_outlet.ts";
import type { Libc } from "../system/libc.ts";
import { severalLines, stderrLines } from "../system/files/line_writer.ts";
import { StreamSender } from "../system/sockets/stream_outlet.ts";
import { entryWriter } from "./encoder.ts";
import type { LogEntry } from "./entry.ts";
import { journalEntry } from "./journal.ts";
import { router } from "./routing.ts";
import { lengthPrefixed, syslogMessage } from "./syslog.ts";

/** What a process has to do with its log. */
export interface StreamSetup {
  /** Null: only standard error can be written to. */
  readonly libc: Libc | null;
  /** A faster write(2), for who writes often. @default that of `libc` */
  readonly write?: Libc["write"];
  /** A file that all writers share, see `line_writer.ts`. */
  readonly lockFd: number | null;
  /** How long a line waits for the lock on it, in milliseconds. @default 2000 */
  readonly lockWaitMs?: number;
  /** Descriptor of the log as it was inherited. */
  readonly stderrFd: number;
  /** For syslog. */
  readonly hostname: string;
  readonly pid: number;
  /** Called with the number of entries that a target did not take. */
  readonly onLost: (entries: number) => void;
}

/** Takes entries in order and writes them before it returns; it never throws. */
export type EntrySink = (entries: readonly LogEntry[]) => void;

/**
 * A sink for the targets of a log.
 *
 * @throws {Error} If a target cannot be used; what the targets are is the master's to check.
 */
export function openStream(stream: LogStream, setup: StreamSetup): EntrySink {
  const sinks = stream.targets.map((target) => openTarget(target, stream.date, setup));
  const [only] = sinks;
  const everything = stream.drains.length + stream.filters.length + stream.routes.length === 0;
  if (everything && sinks.length === 1 && only !== undefined) return only;
  const targetsOf = router(stream, stream.targets.map(({ id }) => id));
  return (entries) => {
    const chosen = entries.map(({ text }) => targetsOf(text));
    for (const [index, sink] of sinks.entries()) {
      const own = entries.filter((_entry, at) => chosen[at]?.includes(index));
      if (own.length > 0) sink(own);
    }
  };
}

function openTarget(target: LogTarget, date: string | null, setup: StreamSetup): EntrySink {
  const { place, encoders } = target;
  const bare = place.kind === "syslog" || place.kind === "journal";
  const write = entryWriter({ date: bare ? null : date, bare }, encoders);
  if (place.kind === "stderr" || place.kind === "file") {
    const fd = place.kind === "file" ? place.fd : setup.stderrFd;
    const { libc, lockFd, write: own, lockWaitMs } = setup;
    const lines = stderrLines(libc, lockFd, {
      fd,
      ...(own && { write: own }),
      ...(lockWaitMs && { lockWaitMs }),
    });
    const several = severalLines(setup.libc, fd, lines);
    return (entries) => {
      const missing = several(entries.map(write));
      if (missing > 0) setup.onLost(missing);
    };
  }
  const { libc: c } = setup;
  if (c === null) throw new Error("Only standard error can be had without foreign functions");
  const outlet: DatagramTransport = place.kind === "syslog" && place.transport === "stream"
    ? new StreamSender(c, place.address, setup.onLost)
    : new DatagramSender(c, place.address);
  const message = messages(target, setup, write);
  return (entries) => {
    const lost = entries.filter((entry) => !outlet.send(message(entry))).length;
    if (lost > 0) setup.onLost(lost);
  };
}

type Messages = (entry: LogEntry) => Uint8Array<ArrayBuffer>;

const ENCODER = new TextEncoder();

function messages(
  { place }: LogTarget,
  { hostname, pid }: StreamSetup,
  write: (entry: LogEntry) => string,
): Messages {
  switch (place.kind) {
    case "journal":
      return (entry) => journalEntry(place.tag, entry, write(entry));
    case "syslog": {
      const source = { facility: place.facility, tag: place.tag, hostname, pid };
      const text = (entry: LogEntry) => ENCODER.encode(syslogMessage(source, entry, write(entry)));
      return place.transport === "stream" ? (entry) => lengthPrefixed(text(entry)) : text;
    }
    default:
      return (entry) => ENCODER.encode(write(entry));
  }
}
