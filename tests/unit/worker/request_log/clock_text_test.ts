/** Times as text. */
import { assertEquals, assertMatch } from "@std/assert";
import {
  commonLogText,
  ctimeText,
  perSecond,
} from "../../../../lib/worker/request_log/clock_text.ts";

Deno.test("times are written as ctime(3) and web servers write them", () => {
  const date = new Date(2026, 0, 5, 3, 4, 9);
  assertEquals(ctimeText(date), "Mon Jan  5 03:04:09 2026");
  assertMatch(commonLogText(date), /^05\/Jan\/2026:03:04:09 [+-]\d\d\d\d$/);
  for (const [minutes, text] of [[-330, "+0530"], [210, "-0330"], [0, "+0000"]] as const) {
    const elsewhere = new Date(date);
    elsewhere.getTimezoneOffset = () => minutes;
    assertEquals(commonLogText(elsewhere).slice(-5), text);
  }
});

Deno.test("a text is made once per second, also when time goes back", () => {
  const made: number[] = [];
  const text = perSecond((date) => {
    made.push(date.getTime());
    return String(date.getTime());
  });
  const texts = [5_000, 5_999.9, 6_000, 6_500, 5_500].map(text);
  assertEquals(texts, ["5000", "5000", "6000", "6000", "5000"]);
  assertEquals(made, [5_000, 6_000, 5_000]);
});
