/**
 * Makes lines that are JSON, or nearly: what fuzz targets of parsers of such lines feed them.
 *
 * @module
 */

import type { Random } from "./random.ts";

const ENCODER = new TextEncoder();

/** Values in JSON that are of no use as a field. */
const VALUES: readonly string[] = [
  "null",
  "true",
  '""',
  "0",
  "-1",
  "0.5",
  "1e999",
  "-1e999",
  "1e308",
  "9007199254740993",
  "[]",
  "{}",
  '"\\ud800"',
  '"\\u0000"',
  "[1e999]",
];

/** Names that stand for something in every object. */
const NAMES: readonly string[] = ["__proto__", "constructor", "toString", "type", "hasOwnProperty"];

/** One of the good lines, or something that was made of it, with the newline behind it. */
export function jsonLine(random: Random, good: readonly string[]): Uint8Array {
  const line = random.pick(good);
  const made = random.pick([whole, otherValue, anotherField, mutated, nested, garbage])(
    random,
    line,
  );
  return typeof made === "string" ? ENCODER.encode(`${made}\n`) : new Uint8Array([...made, 10]);
}

type Make = (random: Random, line: string) => string | Uint8Array;

const whole: Make = (_random, line) => line;

/** One field has another value. */
const otherValue: Make = (random, line) => {
  const fields = Object.keys(JSON.parse(line));
  const field = random.pick(fields);
  const rest = Object.entries(JSON.parse(line) as Record<string, unknown>)
    .filter(([name]) => name !== field)
    .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  return `{${[...rest, `${JSON.stringify(field)}:${random.pick(VALUES)}`].join(",")}}`;
};

/** One more field, with a name that every object has from its prototype. */
const anotherField: Make = (random, line) =>
  `{"${random.pick(NAMES)}":${random.pick([...VALUES, line])},${line.slice(1)}`;

const mutated: Make = (random, line) => random.mutate(ENCODER.encode(line));

/** Depth that no message has. */
const nested: Make = (random, line) => {
  const depth = random.int(1, 300);
  const [open, close] = random.pick([["[", "]"], ['{"type":', "}"]]) as [string, string];
  return open.repeat(depth) + line + close.repeat(depth);
};

const garbage: Make = (random) =>
  random.chance(0.5) ? random.bytes(random.int(0, 600)) : random.text(random.int(0, 300));
