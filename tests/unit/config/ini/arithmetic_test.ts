import { assert, assertEquals } from "@std/assert";
import { evaluatePipeline } from "../../../../lib/config/ini/arithmetic.ts";

const VALUES: ReadonlyMap<string, string> = new Map([
  ["one", "1"],
  ["two", "2"],
  ["ten", "10"],
  ["word", "abc"],
  ["huge", "9223372036854775807"],
]);

function evaluate(text: string, longest = 1000): [string, string[]] {
  const complaints: string[] = [];
  const result = evaluatePipeline(
    text.split(" "),
    (word) => VALUES.get(word),
    (message) => complaints.push(message),
    longest,
  );
  return [result, complaints];
}

Deno.test("evaluatePipeline() concatenates and calculates from left to right, as uWSGI does", () => {
  const cases = {
    "one two": "12",
    "one - two": "-1",
    "one -- two": "02",
    "one ++ two": "22",
    "ten / two * two": "10",
    "ten + 5": "15",
    "ten ++": "11",
    "one * ": "1",
    "huge ++": "-9223372036854775808",
  };
  for (const [text, expected] of Object.entries(cases)) {
    assertEquals(evaluate(text.trim()), [expected, []], text);
  }
});

Deno.test("evaluatePipeline() complains, when it cannot calculate", () => {
  assertEquals(evaluate("one + word"), ["1", [
    'calculates with "abc", which is no whole number',
  ]]);
  assertEquals(evaluate("ten / 0"), ["10", ["divides by zero"]]);
  assertEquals(evaluate("one nothing"), ["1", ['uses "nothing", which is not defined']]);
});

Deno.test("evaluatePipeline() stops to concatenate, when the result is too long", () => {
  const [result] = evaluate("ten ".repeat(100).trim(), 20);
  assert(result.length <= 22, result);
});
