/**
 * Decides which requests are logged.
 *
 * @module
 */

import type { RequestFilters } from "../../protocol/request_log_settings.ts";
import type { RequestRecord } from "../request_record.ts";

/** Whether one of the filters matches a request that is over. */
export type Match = (request: Outcome) => boolean;

type Outcome = Pick<RequestRecord, "status" | "bytes" | "durationMs">;

/** Compiles the filters. What is not known matches nothing. */
export function compileFilters(filters: RequestFilters): Match {
  const { clientErrors, serverErrors, zero, slowMs, bigBytes } = filters;
  const tests: Match[] = [];
  if (clientErrors) tests.push(({ status }) => status >= 400 && status < 500);
  if (serverErrors) tests.push(({ status }) => status >= 500 && status < 600);
  if (zero) tests.push(({ bytes }) => bytes === 0);
  if (slowMs > 0) tests.push(({ durationMs }) => durationMs >= slowMs);
  if (bigBytes > 0) tests.push(({ bytes }) => bytes !== null && bytes >= bigBytes);
  return (request) => tests.some((test) => test(request));
}
