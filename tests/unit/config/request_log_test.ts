/** When there is a request log. */
import { assertEquals } from "@std/assert";
import type { RequestLogConfig } from "../../../lib/config/options/request_log.ts";
import { requestLogSettings } from "../../../lib/config/request_log.ts";
import { defaults } from "../../../lib/config/resolve.ts";

function settings(config: Partial<RequestLogConfig>) {
  return requestLogSettings({ ...defaults(), ...config });
}

Deno.test("there is no request log unless one is asked for", () => {
  assertEquals(settings({}), null);
  assertEquals(settings({ disableLogging: true, logMicros: true, memoryReport: true }), null);
});

Deno.test("a switch, a format or any filter asks for it", () => {
  const asking: readonly Partial<RequestLogConfig>[] = [
    ...[{ logRequests: true }, { logFormat: "%(uri)" }, { log4xx: true }, { log5xx: true }],
    ...[{ logSlow: 1 }, { logZero: true }, { logBig: 1 }],
  ];
  for (const config of asking) {
    assertEquals(settings(config)?.onlyMatches, false);
    assertEquals(settings({ ...config, disableLogging: true })?.onlyMatches, true);
  }
});

Deno.test("the settings have what the options say", () => {
  const all = settings({
    ...{ log4xx: true, log5xx: true, logSlow: 5, logZero: true, logBig: 6, logMicros: true },
    ...{ logXForwardedFor: true, memoryReport: true, logFormat: "x" },
  });
  assertEquals(all?.filters, {
    ...{ clientErrors: true, serverErrors: true, slowMs: 5, zero: true, bigBytes: 6 },
  });
  assertEquals([all?.micros, all?.forwardedFor, all?.memory, all?.format], [true, true, true, "x"]);
});
