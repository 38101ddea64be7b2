/** Metrics as scripts see them, on ordinary memory. */
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  METRIC_CELLS,
  METRICS_AT,
  SHARED_BYTES,
} from "../../../lib/shared_memory/memory_layout.ts";
import { cellsOf, type MetricPlace, MetricTable } from "../../../lib/shared_memory/metric_table.ts";

const PLACES: readonly MetricPlace[] = [
  { kind: "value", name: "a", cell: 0, initial: "0", collector: "" },
  { kind: "value", name: "b", cell: 1, initial: "-7", collector: "" },
  { kind: "value", name: "sum", cell: 2, initial: "0", collector: "sum" },
  { kind: "histogram", name: "h", cell: 3, bounds: [-5, 10, 100] },
  { kind: "alias", name: "also.b", of: "b" },
  { kind: "alias", name: "ours", of: "core.ours" },
];

const MEMORY = new SharedArrayBuffer(SHARED_BYTES);

function table(): MetricTable {
  new Uint8Array(MEMORY, METRICS_AT).fill(0);
  return new MetricTable(MEMORY, PLACES, (name) => {
    if (name === "core.far") throw new Error("far away");
    return name === "core.ours" ? 5 : null;
  });
}

Deno.test("the cells of metrics are behind everything else, and aligned", () => {
  assertEquals(METRICS_AT % 8, 0);
  assertEquals(SHARED_BYTES, METRICS_AT + METRIC_CELLS * 8);
});

type Operation = readonly [name: keyof typeof MODEL, value: bigint];
const wrapped = (value: bigint) => BigInt.asIntN(64, value);

/** What each operation means. */
const MODEL = {
  set: (_before: bigint, value: bigint) => value,
  add: (before: bigint, value: bigint) => wrapped(before + value),
  subtract: (before: bigint, value: bigint) => wrapped(before - value),
  multiply: (before: bigint, value: bigint) => wrapped(before * value),
  divide: (before: bigint, value: bigint) => wrapped(before / value),
  raise: (before: bigint, value: bigint) => value > before ? value : before,
  lower: (before: bigint, value: bigint) => value < before ? value : before,
} as const;

Deno.test("MetricTable does what signed numbers of 64 bits do, in any order", () => {
  const value = fc.oneof(
    fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
    fc.bigInt(-10n, 10n),
  );
  const operation: fc.Arbitrary<Operation> = fc.tuple(
    fc.constantFrom(...Object.keys(MODEL) as (keyof typeof MODEL)[]),
    value,
  ).filter(([name, by]) => name !== "divide" || by !== 0n);
  fc.assert(
    fc.property(fc.array(operation), fc.boolean(), (operations, numbers) => {
      const metrics = table();
      let expected = 0n;
      for (const [name, by] of operations) {
        const small = numbers && Number.isSafeInteger(Number(by));
        assertEquals(metrics[name]("a", small ? Number(by) : by), true);
        expected = MODEL[name](expected, by);
        assertEquals(metrics.get("a"), Number(expected), name);
      }
      assertEquals(metrics.get("b"), 0);
    }),
  );
});

Deno.test("MetricTable sorts values into the first bucket that holds them", () => {
  const bounds = [-5, 10, 100];
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -200, max: 200 })), (values) => {
      const metrics = table();
      for (const value of values) metrics.observe("h", value);
      const bucketOf = (value: number) => {
        const found = bounds.findIndex((bound) => value <= bound);
        return found < 0 ? bounds.length : found;
      };
      const { buckets, sum } = metrics.histogram("h");
      assertEquals(
        buckets,
        [0, 1, 2, 3].map((i) => values.filter((v) => bucketOf(v) === i).length),
      );
      assertEquals(sum, values.reduce((total, value) => total + value, 0));
      assertEquals(metrics.get("h"), values.length);
    }),
  );
});

Deno.test("cellsOf() counts a sum, a bucket for each bound, and one for what is larger", () => {
  assertEquals([[], [1], [1, 2, 3]].map(cellsOf), [1, 3, 5]);
});

Deno.test("MetricTable.begin() sets the initial values", () => {
  const metrics = table();
  metrics.begin();
  assertEquals(["a", "b", "also.b", "sum"].map((name) => metrics.get(name)), [0, -7, -7, 0]);
});

Deno.test("MetricTable reads aliases and what others keep, and changes neither", () => {
  const metrics = table();
  metrics.set("b", 3);
  assertEquals([metrics.get("also.b"), metrics.get("ours"), metrics.get("core.ours")], [3, 5, 5]);
  const refused = (name: string, why: string) =>
    assertThrows(() => metrics.add(name, 1), Error, `Cannot change the metric "${name}": ${why}`);
  refused("also.b", 'it is an alias, use "b"');
  refused("sum", "its collector (sum) does that");
  refused("core.ours", "duwsgi keeps it itself");
  refused("core.far", "duwsgi keeps it itself");
  refused("h", "it is a histogram, use metric_observe()");
  assertThrows(() => metrics.get("core.far"), Error, "far away");
});

Deno.test("MetricTable names the nearest metric, and how to declare one that is not there", () => {
  const metrics = table();
  assertThrows(
    () => metrics.get("also.a"),
    Error,
    'There is no metric "also.a": did you mean "also.b"? If not, declare it with metric = also.a',
  );
  assertThrows(
    () => metrics.set("quite.another", 1),
    Error,
    'There is no metric "quite.another": declare it with metric = quite.another',
  );
  assertThrows(
    () => metrics.observe("times", 1),
    Error,
    "declare it with metric = name=times,type=histogram,bounds=10;100;1000",
  );
  assertThrows(() => metrics.observe("a", 1), Error, 'The metric "a" is no histogram');
  assertThrows(() => metrics.histogram("also.b"), Error, "is no histogram");
});

Deno.test("MetricTable refuses what is no whole number of 64 bits, and changes nothing", () => {
  const metrics = table();
  for (const value of [1.5, NaN, Infinity, 2 ** 53, 2n ** 63n, -(2n ** 63n) - 1n]) {
    assertThrows(
      () => metrics.add("a", value),
      RangeError,
      `Cannot use ${value} for the metric "a"`,
    );
    assertThrows(() => metrics.observe("h", value), RangeError, `Cannot use ${value}`);
  }
  assertThrows(() => metrics.divide("a", 0), RangeError, 'Cannot divide the metric "a" by 0');
  assertEquals([metrics.get("a"), metrics.get("h")], [0, 0]);
});

Deno.test("MetricTable writes to no other cell than a metric's own, when a script has replaced methods", () => {
  const metrics = table();
  const cells = new BigInt64Array(MEMORY, METRICS_AT, 32);
  const { get, has } = Map.prototype;
  const isSafe = Number.isSafeInteger;
  Map.prototype.get = () => 20;
  Map.prototype.has = () => true;
  Number.isSafeInteger = () => true;
  Reflect.set(Object.prototype, "other", 21);
  try {
    metrics.add("a", 1);
    for (const name of ["sum", "other", "__proto__"]) assertThrows(() => metrics.add(name, 1));
    // A histogram gives its bounds away, and counts by them.
    const { bounds } = metrics.histogram("h");
    assertThrows(() => Reflect.apply(Array.prototype.push, bounds, [200, 300, 400]), TypeError);
    metrics.observe("h", 1000);
  } finally {
    Object.assign(Map.prototype, { get, has });
    Number.isSafeInteger = isSafe;
    Reflect.deleteProperty(Object.prototype, "other");
  }
  const written = [...cells].map(Number).flatMap((value, at) => value === 0 ? [] : [at]);
  assertEquals(written, [0, 3, 7]);
});

Deno.test("MetricTable shows no bucket below 0, when somebody else has written to the memory", () => {
  const metrics = table();
  new BigInt64Array(MEMORY, METRICS_AT, 32).fill(-(2n ** 63n));
  assertEquals(metrics.histogram("h"), {
    bounds: [-5, 10, 100],
    buckets: [0, 0, 0, 0],
    sum: -(2 ** 63),
  });
  assertEquals(metrics.get("h"), 0);
});
