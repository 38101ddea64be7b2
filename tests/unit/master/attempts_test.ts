/** Actions that fail. */
import { assertEquals } from "@std/assert";
import { Attempts } from "../../../lib/master/attempts.ts";
import { type LogRecordLine, setLogSink } from "../../../lib/master/log.ts";

Deno.test("Attempts ends an action that fails, and tells each problem once until it works again", async () => {
  const lines: string[] = [];
  setLogSink((line: LogRecordLine) => lines.push(String(line.rawMessage)));
  try {
    const attempts = new Attempts("test");
    const fail = () => {
      throw new RangeError("no");
    };
    for (let i = 0; i < 3; i++) assertEquals(attempts.make("Cannot do this", fail), null);
    assertEquals(await attempts.wait("Cannot do that", () => Promise.reject("never")), null);
    assertEquals(attempts.make("Cannot do this", () => 7), 7);
    assertEquals(await attempts.wait("Cannot do that", () => Promise.resolve(8)), 8);
    attempts.make("Cannot do this", fail);
  } finally {
    setLogSink(() => {});
  }
  assertEquals(lines, ["Cannot do this: no", "Cannot do that: never", "Cannot do this: no"]);
});
