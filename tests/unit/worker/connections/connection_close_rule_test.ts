/** Which responses of a retiring worker close their connection. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  ClosingRule,
  NAMELESS_REST_MS,
  PIPELINE_DEPTH,
  PIPELINE_GAP_MS,
  speaksHttp2,
} from "../../../../lib/worker/connections/connection_close_rule.ts";

/** Plays requests at these times, each answered at once; says which responses close. */
function answers(times: readonly number[], rule = new ClosingRule()): boolean[] {
  return times.map((at) => {
    const closes = rule.mayClose("a", at);
    rule.responded("a", at);
    return closes;
  });
}

Deno.test("mayClose() is false for the first response of a connection, whenever it comes", () => {
  assertEquals(answers([0]), [false]);
  assertEquals(answers([1_000_000]), [false]);
});

Deno.test("mayClose() is true for the second response, when its request came later than a pipelined one", () => {
  assertEquals(answers([0, PIPELINE_GAP_MS]), [false, true]);
  assertEquals(answers([0, PIPELINE_GAP_MS - 1]), [false, false]);
});

Deno.test("mayClose() measures from the last response and not from the first", () => {
  assertEquals(answers([0, 4, 8, 12, 17]), [false, false, false, false, true]);
});

Deno.test("mayClose() is true after enough responses, however fast the requests follow", () => {
  const expected = Array.from({ length: PIPELINE_DEPTH + 2 }, (_, i) => i >= PIPELINE_DEPTH);
  assertEquals(answers(expected.map(() => 0)), expected);
});

Deno.test("mayClose() keeps connections apart", () => {
  const rule = new ClosingRule();
  rule.responded("a", 0);
  assertEquals([rule.mayClose("a", 100), rule.mayClose("b", 100)], [true, false]);
});

Deno.test("mayClose() changes nothing, when it is only asked", () => {
  const rule = new ClosingRule();
  for (let i = 0; i < 20; i++) assertEquals(rule.mayClose("a", i * 100), false);
});

Deno.test("mayClose() lets every connection close in the end, however its requests come", () => {
  const gaps = fc.array(fc.nat(50), { minLength: PIPELINE_DEPTH, maxLength: 30 });
  fc.assert(fc.property(gaps, (gaps) => {
    let at = 0;
    const closes = answers([0, ...gaps.map((gap) => at += gap)]);
    assertEquals(closes[0], false);
    assertEquals(closes.slice(PIPELINE_DEPTH).every(Boolean), true);
  }));
});

Deno.test("mayClose() leaves connections without a name alone, until their first requests are over", () => {
  const rule = new ClosingRule();
  for (let i = 0; i < 2 * PIPELINE_DEPTH; i++) rule.responded("", 1_000 + i);
  assertEquals(rule.mayClose("", 1_000 + NAMELESS_REST_MS - 1), false);
  assertEquals(rule.mayClose("", 1_000 + NAMELESS_REST_MS), true);
});

Deno.test("speaksHttp2() takes a request for one of HTTP/1.1 wherever it may be one", () => {
  const cases: [headers: HeadersInit, http2: boolean][] = [
    [{}, true],
    [{ accept: "*/*" }, true],
    [{ host: "localhost" }, false],
    [{ connection: "close" }, false],
  ];
  for (const [headers, http2] of cases) assertEquals(speaksHttp2(new Headers(headers)), http2);
});

Deno.test("it is known whose connection was closed by a response, but for those without a name", () => {
  const rule = new ClosingRule();
  rule.responded("a", 0);
  assertEquals(rule.hasClosed("a"), false);
  rule.responded("a", 10, true);
  rule.responded("a", 20);
  rule.responded("", 10, true);
  assertEquals([rule.hasClosed("a"), rule.hasClosed("b"), rule.hasClosed("")], [
    true,
    false,
    false,
  ]);
});
