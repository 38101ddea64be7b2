/**
 * Where log lines go, as the master tells its workers. Descriptors are inherited: a worker opens
 * nothing, and so may be another user than who opened them.
 *
 * @module
 */

import type { Encoder } from "./encoder.ts";
import type { RoutingRules } from "./routing.ts";

/**
 * Takes one entry of a log, without a newline at its end, and writes it before it returns. It never
 * throws and never waits for a target that is away: what cannot be written is dropped and counted.
 */
export type LineSink = (line: string) => void;

/** What one process writes its lines to. */
export interface LineSinks {
  /** The log of the instance: `uwsgi.log()`, `console`. */
  readonly log: LineSink;
  /** The request log. It is the log of the instance unless requests have targets of their own. */
  readonly request: LineSink;
  /** Several lines of the request log at once: one write, where the target allows it. */
  readonly requests: (lines: readonly string[]) => void;
}

/** An address that something is sent to; hosts are numeric. */
export type RemoteAddress =
  | { readonly kind: "inet"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string; readonly abstract: boolean };

/** What a target writes to. */
export type TargetPlace =
  /** The master's standard error. */
  | { readonly kind: "stderr" }
  | { readonly kind: "file"; readonly path: string; readonly fd: number }
  /** Datagrams without any frame. */
  | { readonly kind: "socket"; readonly address: RemoteAddress }
  | {
    readonly kind: "syslog";
    readonly address: RemoteAddress;
    readonly transport: "datagram" | "stream";
    readonly tag: string;
    readonly facility: number;
  }
  | { readonly kind: "journal"; readonly address: RemoteAddress; readonly tag: string };

/** One target. */
export interface LogTarget {
  /** Its name for routes; empty: none. */
  readonly id: string;
  readonly place: TargetPlace;
  readonly encoders: readonly Encoder[];
}

/** One log: its rules and its targets. */
export interface LogStream extends RoutingRules {
  /** strftime(3) format of a date before each entry; null: none. */
  readonly date: string | null;
  /** In order; the last one gets what would go nowhere. */
  readonly targets: readonly LogTarget[];
}

/** Both logs of an instance. */
export interface LogPlan {
  /** Null: standard error, with lines as they are. */
  readonly log: LogStream | null;
  /** Null: requests go to the log. */
  readonly request: LogStream | null;
}

/** The descriptors of a plan: whoever starts a worker lends it these. */
export function planDescriptors({ log, request }: LogPlan): number[] {
  return [log, request].flatMap((stream) =>
    (stream?.targets ?? []).flatMap(({ place }) => place.kind === "file" ? [place.fd] : [])
  );
}
