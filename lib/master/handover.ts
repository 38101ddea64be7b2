/**
 * The JSON that a master passes to the program that replaces its own. Programs of other versions read it,
 * so keys keep their names.
 *
 * @module
 */

import type { HandoverState } from "../core/handover_state.ts";
import type { PushedCounts } from "../stats/push_format.ts";
import type { MetricRecord } from "./metrics/metric_registry.ts";
import type { GenerationPaths } from "./process/generation_paths.ts";
import type { ScoreboardRecord } from "./scoreboard/master_scoreboard.ts";
import type { Listener } from "./sockets/listener.ts";

/** How a worker is known and watched by another program of the master. */
export interface WorkerHandover {
  /** Proves who it is. */
  readonly token: string;
  /** Number of its process row. The key is older than the name. */
  readonly lane: number;
  readonly heartbeatMs: number;
  /** Descriptor that its last words are read from; null: they are in the log. */
  readonly words: number | null;
}

/** What the new program gets. */
export interface Handover {
  readonly version: number;
  readonly inheritance: HandoverState;
  /** By worker number. */
  readonly credentials: Readonly<Record<number, WorkerHandover>>;
  readonly listeners: readonly Listener[];
  /** Open only until the new workers have proved themselves. */
  readonly outgoing: readonly Listener[];
  /** The master's own sockets, also those that are configured no more. */
  readonly views: readonly Listener[];
  readonly scoreboardFd: number | null;
  readonly sharedBytes: number;
  /** What the master knows of that memory; a program before this one may have read it back instead. */
  readonly counts?: ScoreboardRecord;
  /** What its clock has come to. */
  readonly ticks?: number;
  /** Which cells of that memory belong to which metric. */
  readonly metrics: readonly MetricRecord[];
  /** The directory of the control pipes. */
  readonly directory: string;
  readonly startedOn: number;
  /** Where the workers of each generation run; a program before this one did not know. */
  readonly workplaces?: Readonly<Record<number, GenerationPaths>>;
  /** What each pusher has told of the counters, by what was configured. */
  readonly pushed?: Readonly<Record<string, PushedCounts>>;
}
