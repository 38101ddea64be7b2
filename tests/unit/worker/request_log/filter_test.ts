/** Which requests are logged. */
import { assertEquals } from "@std/assert";
import type { RequestFilters } from "../../../../lib/protocol/request_log_settings.ts";
import { compileFilters } from "../../../../lib/worker/request_log/filter.ts";

const NONE: RequestFilters = {
  ...{ clientErrors: false, serverErrors: false, zero: false, slowMs: 0, bigBytes: 0 },
};

function matches(filters: Partial<RequestFilters>, status: number, bytes: number | null, ms = 1) {
  return compileFilters({ ...NONE, ...filters })({ status, bytes, durationMs: ms });
}

Deno.test("without a filter nothing matches", () => {
  assertEquals(matches({}, 500, 0, 1e6), false);
});

Deno.test("filters for a status have both limits", () => {
  const found = (filters: Partial<RequestFilters>) =>
    [399, 400, 499, 500, 599, 600].filter((status) => matches(filters, status, 1));
  assertEquals(found({ clientErrors: true }), [400, 499]);
  assertEquals(found({ serverErrors: true }), [500, 599]);
  assertEquals(found({ clientErrors: true, serverErrors: true }), [400, 499, 500, 599]);
});

Deno.test("filters for size and time begin at their limit, and an unknown size matches none", () => {
  assertEquals([null, 99, 100].map((bytes) => matches({ bigBytes: 100 }, 200, bytes)), [
    ...[false, false, true],
  ]);
  assertEquals([null, 0, 1].map((bytes) => matches({ zero: true }, 200, bytes)), [
    ...[false, true, false],
  ]);
  assertEquals([49.9, 50].map((ms) => matches({ slowMs: 50 }, 200, 1, ms)), [false, true]);
});
