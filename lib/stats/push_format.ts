/**
 * Writes the metrics of an instance as the receivers of `stats-push` and `carbon` want them. Pure.
 *
 * @module
 */

import type { StatsMetric } from "./stats.ts";

/** Metrics by name, as in the stats. */
export type PushedMetrics = Readonly<Record<string, StatsMetric>>;

/** Values of counters by name: what has been pushed of them. */
export type PushedCounts = Readonly<Record<string, number>>;

const COUNTER: StatsMetric["type"] = 0;

/**
 * Lines for statsd, which adds up what it gets for a counter: each is sent by how much it has grown
 * since, and one that has not grown, or was set back, is not. A gauge with a sign would be a change of
 * the one before, so a negative one is set to 0 first.
 */
export function statsdLines(
  metrics: PushedMetrics,
  before: PushedCounts,
  prefix: string,
): string[] {
  return Object.entries(metrics).flatMap(([name, { type, value }]) => {
    const full = withPrefix(prefix, name);
    if (type === COUNTER) {
      const grown = value - (before[name] ?? 0);
      return grown > 0 ? [`${full}:${grown}|c`] : [];
    }
    return value < 0 ? [`${full}:0|g`, `${full}:${value}|g`] : [`${full}:${value}|g`];
  });
}

/** The counters among the metrics, for the next time. */
export function countsOf(metrics: PushedMetrics): PushedCounts {
  const counters = Object.entries(metrics).filter(([, { type }]) => type === COUNTER);
  return Object.fromEntries(counters.map(([name, { value }]) => [name, value]));
}

/** Lines of the pusher `socket`: name, number of the type, value. */
export function socketLines(metrics: PushedMetrics, prefix: string): string[] {
  return Object.entries(metrics).map(([name, { type, value }]) =>
    `${withPrefix(prefix, name)} ${type} ${value}`
  );
}

/** What comes before the names for Graphite: a dot would begin another level. */
export function carbonPrefix(root: string, host: string, id: string): string {
  const level = (text: string) => text.replaceAll(/[^0-9A-Za-z_-]/g, "_");
  return `${root}.${level(host)}.${level(id)}`;
}

/** Lines for Graphite. */
export function carbonLines(
  metrics: PushedMetrics,
  prefix: string,
  epochSeconds: number,
): string[] {
  return Object.entries(metrics).map(([name, { value }]) =>
    `${withPrefix(prefix, name)} ${value} ${epochSeconds}`
  );
}

/** As many lines as fit into each datagram, so that the network need not cut it (1432 bytes). */
export function datagramsOf(lines: readonly string[], mostBytes = 1432): string[] {
  const datagrams: string[] = [];
  let current = "";
  for (const line of lines) {
    const longer = current === "" ? line : `${current}\n${line}`;
    if (current !== "" && longer.length > mostBytes) {
      datagrams.push(current);
      current = line;
    } else current = longer;
  }
  return current === "" ? datagrams : [...datagrams, current];
}

function withPrefix(prefix: string, name: string): string {
  return prefix === "" ? name : `${prefix}.${name}`;
}
