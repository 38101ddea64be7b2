/**
 * The names of uWSGI's own metrics, which are there without being declared.
 *
 * @module
 */

const PATTERNS: readonly RegExp[] = [
  /^core\.((un)?routed_signals|busy_workers|idle_workers|overloaded|avg_response_time)$/,
  /^core\.total_(tx|running_time|rss|vsz)$/,
  /^(rss|vsz)_size$/,
  /^worker\.\d+\.((delta_|failed_)?requests|respawns|avg_response_time|total_tx)$/,
  /^worker\.\d+\.(rss_size|vsz_size|running_time)$/,
  /^worker\.\d+\.core\.0\.((routed_|static_|offloaded_)?requests|exceptions|(write|read)_errors)$/,
  /^socket\.\d+\.listen_queue$/,
];

/** True if it is the name of a metric that duwsgi keeps itself. */
export function isBuiltinMetric(name: string): boolean {
  return PATTERNS.some((pattern) => pattern.test(name));
}
