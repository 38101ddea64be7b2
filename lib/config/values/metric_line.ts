/**
 * The lines of `metric` and `metric-threshold`.
 *
 * @module
 */

import type { MetricCollector } from "../../core/policies/metrics.ts";
import { keyValues, wholeNumber } from "./key_values.ts";
import { nearestName } from "../../nearest_name.ts";
import type { OptionLine } from "../origin.ts";

/** What a metric is: the first four are uWSGI's. */
export type MetricType = "counter" | "gauge" | "absolute" | "alias" | "histogram";

/** One metric. */
export interface MetricLine extends OptionLine {
  /** Letters, digits, `.`, `_` and `-`. */
  readonly name: string;
  /** What it is. */
  readonly type: MetricType;
  /** Its number for SNMP, as uWSGI shows it; empty: none. */
  readonly oid: string;
  /** What it starts with, and what is added to what a collector finds. */
  readonly initial: bigint;
  /** Null: it changes by the API alone. */
  readonly collector: MetricCollector | null;
  /** How often it is collected and compared with its thresholds, in seconds. */
  readonly freq: number;
  /** The metric that an alias stands for; empty: it is none. */
  readonly alias: string;
  /** Upper bounds of a histogram's buckets, ascending; empty: it is none. */
  readonly bounds: readonly number[];
  /** Whoever pushes it to another server sets it back to its initial value then. */
  readonly resetAfterPush: boolean;
}

/** A value that a metric is not to reach without anybody noticing. */
export interface ThresholdLine extends OptionLine {
  /** Name of the metric. */
  readonly key: string;
  /** The smallest value that is too large. */
  readonly value: bigint;
  /** Goes with the log line, for whoever reads it; empty: none. */
  readonly alarm: string;
  /** The log line; empty: one is made from the name. */
  readonly message: string;
  /** Seconds until the same threshold is logged again. */
  readonly rate: number;
  /** The metric is set back to its initial value. */
  readonly reset: boolean;
}

const METRIC_KEYS = {
  name: "name",
  oid: "oid",
  type: "type",
  initial_value: "initial_value",
  collector: "collector",
  freq: "freq",
  arg1: "arg1",
  arg2: "arg2",
  arg3: "arg3",
  arg1n: "arg1n",
  arg2n: "arg2n",
  arg3n: "arg3n",
  children: "children",
  alias: "alias",
  reset_after_push: "reset_after_push",
  bounds: "bounds",
} as const;

const THRESHOLD_KEYS = {
  key: "key",
  value: "value",
  alarm: "alarm",
  rate: "rate",
  msg: "msg",
  reset: "reset",
} as const;

type Values = ReadonlyMap<keyof typeof METRIC_KEYS, string>;

const TYPES: readonly MetricType[] = ["counter", "gauge", "absolute", "alias", "histogram"];
const COLLECTORS = ["file", "sum", "avg", "accumulator", "adder", "multiplier"] as const;
/** A day. */
const LONGEST_FREQ = 86_400;
/** Most bounds of one histogram. */
const MAX_BOUNDS = 256;
/** So long may a name be, which is the name of a file as well. */
const LONGEST_NAME = 200;
/** A threshold that stays exceeded is logged once per minute, unless `rate` says otherwise. */
const DEFAULT_RATE = 60;

/**
 * Reads the value of `metric`: a name, or keys and values.
 *
 * @throws {SyntaxError} If it is malformed; the message continues a sentence that names the option.
 */
export function parseMetricLine(line: OptionLine): MetricLine {
  const values: Values = line.text.includes("=")
    ? keyValues(line.text, METRIC_KEYS)
    : new Map([["name", line.text.trim()]]);
  const type = typeOf(values);
  const collector = collectorOf(values);
  const alias = values.get("alias") ?? "";
  if ((type === "alias") !== (alias !== "")) {
    throw new SyntaxError('needs both "type=alias" and "alias=NAME", or none of them');
  }
  if (collector !== null && (type === "alias" || type === "histogram")) {
    throw new SyntaxError(`cannot have a collector, because its type is ${type}`);
  }
  const resetAfterPush = isSet("reset_after_push", values.get("reset_after_push"));
  if (resetAfterPush && (type === "alias" || collector !== null)) {
    throw new SyntaxError("cannot be reset after a push, because its value comes from elsewhere");
  }
  return {
    ...line,
    name: nameOf(values),
    type,
    oid: oidOf(values.get("oid") ?? ""),
    initial: int64("initial_value", values.get("initial_value") ?? "0"),
    collector,
    freq: wholeNumber("freq", values.get("freq") ?? "1", 1, LONGEST_FREQ),
    alias,
    bounds: boundsOf(type, values.get("bounds")),
    resetAfterPush,
  };
}

/**
 * Reads the value of `metric-threshold`.
 *
 * @throws {SyntaxError} If it is malformed; the message continues a sentence that names the option.
 */
export function parseThresholdLine(line: OptionLine): ThresholdLine {
  const values = keyValues(line.text, THRESHOLD_KEYS);
  const [key, value] = [values.get("key"), values.get("value")];
  if (key === undefined || value === undefined) {
    throw new SyntaxError('needs a metric and a value, as in "key=app.errors,value=100"');
  }
  return {
    ...line,
    key,
    value: int64("value", value),
    alarm: values.get("alarm") ?? "",
    message: values.get("msg") ?? "",
    rate: wholeNumber("rate", values.get("rate") ?? String(DEFAULT_RATE), 0, LONGEST_FREQ),
    reset: isSet("reset", values.get("reset")),
  };
}

function nameOf(values: Values): string {
  const name = values.get("name") ?? "";
  if (name === "") throw new SyntaxError('needs a name, as in "name=app.hits,type=counter"');
  if (name.length > LONGEST_NAME || !/^[0-9A-Za-z_-][0-9A-Za-z._-]*$/.test(name)) {
    throw new SyntaxError(
      `expects a name of at most ${LONGEST_NAME} letters, digits and any of ". _ -", the dot not ` +
        `first, not "${name.slice(0, 80)}"`,
    );
  }
  return name;
}

function typeOf(values: Values): MetricType {
  return word("type", values.get("type") ?? "counter", TYPES);
}

function oidOf(text: string): string {
  if (/^[0-9.]*$/.test(text)) return text;
  throw new SyntaxError(`expects digits and dots for oid, not "${text}"`);
}

function collectorOf(values: Values): MetricCollector | null {
  const text = values.get("collector");
  const children = listOf(values.get("children"));
  if (text === undefined) {
    if (children.length === 0) return null;
    throw new SyntaxError('has children and no collector: add one, such as "collector=sum"');
  }
  if (text === "ptr" || text === "func") {
    throw new SyntaxError(
      `cannot have the collector "${text}", which reads the memory of a C program: use another one`,
    );
  }
  const kind = word("collector", text, COLLECTORS);
  if (kind === "file") {
    const path = values.get("arg1") ?? "";
    if (path === "") {
      throw new SyntaxError('needs a file, as in "collector=file,arg1=/proc/uptime"');
    }
    return { kind, path, column: wholeNumber("arg1n", values.get("arg1n") ?? "0", 0, 4096) };
  }
  if (children.length === 0) {
    throw new SyntaxError(`needs children for "collector=${kind}", as in "children=a;b"`);
  }
  if (kind !== "adder" && kind !== "multiplier") return { kind, children };
  const amount = values.get("arg1n");
  if (amount === undefined) {
    throw new SyntaxError(`needs a number, as in "collector=${kind},arg1n=2"`);
  }
  return { kind, children, amount: int64("arg1n", amount) };
}

function boundsOf(type: MetricType, text: string | undefined): readonly number[] {
  if ((type === "histogram") !== (text !== undefined)) {
    throw new SyntaxError('needs both "type=histogram" and "bounds=10;100;1000", or none of them');
  }
  const bounds = listOf(text).map((one) => {
    const bound = Number(one);
    if (/^-?[0-9]+$/.test(one) && Number.isSafeInteger(bound)) return bound;
    throw new SyntaxError(`expects whole numbers for bounds, separated by ";", not "${one}"`);
  });
  if (type === "histogram" && (bounds.length === 0 || bounds.length > MAX_BOUNDS)) {
    throw new SyntaxError(`needs 1 to ${MAX_BOUNDS} bounds, not ${bounds.length}`);
  }
  if (bounds.some((bound, i) => i > 0 && bound <= (bounds[i - 1] ?? 0))) {
    throw new SyntaxError("needs bounds in ascending order, none twice");
  }
  return bounds;
}

function listOf(text: string | undefined): readonly string[] {
  return text?.split(";").map((one) => one.trim()).filter((one) => one !== "") ?? [];
}

function isSet(key: string, text: string | undefined): boolean {
  return wholeNumber(key, text ?? "0", 0, 1) === 1;
}

function int64(what: string, text: string): bigint {
  const value = /^-?[0-9]{1,19}$/.test(text) ? BigInt(text) : null;
  if (value !== null && BigInt.asIntN(64, value) === value) return value;
  throw new SyntaxError(`expects a whole number of at most 64 bits for ${what}, not "${text}"`);
}

function word<T extends string>(what: string, text: string, words: readonly T[]): T {
  const found = words.find((one) => one === text);
  if (found !== undefined) return found;
  const nearest = nearestName(text, words);
  const advice = nearest === null ? `use ${words.join(", ")}` : `did you mean "${nearest}"?`;
  throw new SyntaxError(`has an unknown ${what} "${text}": ${advice}`);
}
