/**
 * Decides which requests are logged.
 *
 * @module
 */

import type { RequestFilters } from "../../protocol/request_log.ts";
import type { RequestOutcome } from "./record.ts";

/** Whether one of the filters matches a request that took so many milliseconds. */
export type Match = (outcome: RequestOutcome, durationMs: number) => boolean;

/** Compiles the filters. What is not known matches nothing. */
export function compileFilters(filters: RequestFilters): Match {
  const { clientErrors, serverErrors, zero, slowMs, bigBytes } = filters;
  const tests: Match[] = [];
  if (clientErrors) tests.push(({ status }) => status >= 400 && status < 500);
  if (serverErrors) tests.push(({ status }) => status >= 500 && status < 600);
  if (zero) tests.push(({ bytes }) => bytes === 0);
  if (slowMs > 0) tests.push((_outcome, durationMs) => durationMs >= slowMs);
  if (bigBytes > 0) tests.push(({ bytes }) => bytes !== null && bytes >= bigBytes);
  return (outcome, durationMs) => tests.some((test) => test(outcome, durationMs));
}
