/** How benches read the master's log. */
import { assertEquals } from "@std/assert";
import { parseEvent } from "../../../bench/instance.ts";

Deno.test("parseEvent() reads a line of the JSON log with its time", () => {
  const line = JSON.stringify({
    "@timestamp": "2026-01-02T03:04:05.678Z",
    level: "INFO",
    message: "worker 1 accepting",
    properties: { event: "accepting", worker: 1 },
  });
  assertEquals(parseEvent(line), {
    event: "accepting",
    at: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
    message: "worker 1 accepting",
    fields: { event: "accepting", worker: 1 },
  });
});

Deno.test("parseEvent() leaves alone what a worker prints", () => {
  assertEquals(parseEvent('{"event":"accepting"}'), null);
  assertEquals(parseEvent("Hello"), null);
  assertEquals(parseEvent(""), null);
});
