/** Messages of RFC 5424. */
import { assertEquals, assertMatch } from "@std/assert";
import type { LogEntry } from "../../../lib/log/entry.ts";
import { lengthPrefixed, syslogMessage } from "../../../lib/log/syslog.ts";

const SOURCE = { facility: 3, tag: "my app", hostname: "h.example", pid: 42 };
const ENTRY: LogEntry = {
  level: "error",
  text: "",
  at: Date.UTC(2026, 0, 31, 23, 59, 59, 123),
  logger: "worker",
  fields: { worker: 2, generation: 3, stream: 'a"]\\' },
};

Deno.test("syslogMessage() has everything that RFC 5424 wants, in order", () => {
  assertEquals(
    syslogMessage(SOURCE, ENTRY, "two\nlines"),
    '<27>1 2026-01-31T23:59:59.123Z h.example my_app 42 worker [duwsgi@32473 worker="2" ' +
      'generation="3" stream="a\\"\\]\\\\"] two\nlines',
  );
  const own = { ...ENTRY, level: "info", fields: { event: "ready" } } as const;
  assertMatch(
    syslogMessage({ ...SOURCE, facility: 16 }, own, "x"),
    /^<134>1 \S+ \S+ \S+ 42 ready - x$/,
  );
});

Deno.test("lengthPrefixed() puts the number of bytes before a message", () => {
  const message = new TextEncoder().encode("é!");
  assertEquals(new TextDecoder().decode(lengthPrefixed(message)), "3 é!");
});
