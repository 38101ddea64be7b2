/** The lines of `metric` and `metric-threshold`, and what must hold between them. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  type MetricLine,
  parseMetricLine,
  parseThresholdLine,
  type ThresholdLine,
} from "../../../../lib/config/values/metric_line.ts";
import { loadConfig } from "../../../../lib/config/load.ts";
import { memorySource } from "../../../helpers/memory_source.ts";

const ORIGIN = { file: "a.ini", line: 1 };

function metric(text: string): MetricLine {
  return parseMetricLine({ option: "metric", text, origin: ORIGIN });
}

function threshold(text: string): ThresholdLine {
  return parseThresholdLine({ option: "metric-threshold", text, origin: ORIGIN });
}

Deno.test("parseMetricLine() takes a name alone for a counter", () => {
  const { name, type, initial, collector, freq, bounds, oid } = metric(" app.hits ");
  assertEquals([name, type, initial, collector, freq], ["app.hits", "counter", 0n, null, 1]);
  assertEquals([bounds, oid], [[], ""]);
});

Deno.test("parseMetricLine() reads all keys", () => {
  const all = metric(
    "name=a-b_C.1,type=gauge,oid=1.2,initial_value=-5,collector=adder,children=x; y;,arg1n=9," +
      "freq=30,arg2=,arg3=z,arg2n=1,arg3n=2",
  );
  assertEquals([all.name, all.type, all.oid, all.initial], ["a-b_C.1", "gauge", "1.2", -5n]);
  assertEquals(all.collector, { kind: "adder", children: ["x", "y"], amount: 9n });
  assertEquals([all.freq, all.resetAfterPush], [30, false]);
  assertEquals(metric("name=p,reset_after_push").resetAfterPush, true);
  assertEquals(metric("name=f,collector=file,arg1=/a\\,b,arg1n=2").collector, {
    kind: "file",
    path: "/a,b",
    column: 2,
  });
  assertEquals(metric("name=h,type=histogram,bounds=-1;0;10").bounds, [-1, 0, 10]);
  assertEquals(metric("name=l,type=alias,alias=a").alias, "a");
});

Deno.test("parseMetricLine() says what is wrong", () => {
  const cases: readonly (readonly [text: string, message: string])[] = [
    ["a b", "expects a name of at most 200 letters, digits"],
    [".hidden", "expects a name"],
    ["x".repeat(201), "expects a name"],
    ["type=gauge", 'needs a name, as in "name=app.hits,type=counter"'],
    ["name=a,type=guage", 'has an unknown type "guage": did you mean "gauge"?'],
    ["name=a,colector=sum", 'has an unknown key "colector": did you mean "collector"?'],
    ["name=a,collector=mean", 'has an unknown collector "mean": use file, sum, avg'],
    ["name=a,collector=func,arg1=f", 'cannot have the collector "func"'],
    ["name=a,collector=ptr", "which reads the memory of a C program"],
    ["name=a,collector=file", 'needs a file, as in "collector=file,arg1=/proc/uptime"'],
    ["name=a,collector=file,arg1=x,arg1n=-1", "expects a whole number from 0 to 4096 for arg1n"],
    ["name=a,collector=sum", 'needs children for "collector=sum"'],
    ["name=a,collector=multiplier,children=b", 'needs a number, as in "collector=multiplier'],
    ["name=a,children=b", "has children and no collector"],
    ["name=a,type=alias", 'needs both "type=alias" and "alias=NAME"'],
    ["name=a,alias=b", 'needs both "type=alias" and "alias=NAME"'],
    ["name=a,type=alias,alias=b,collector=file,arg1=x", "because its type is alias"],
    ["name=a,type=histogram", 'needs both "type=histogram" and "bounds=10;100;1000"'],
    ["name=a,bounds=1", 'needs both "type=histogram"'],
    ["name=a,type=histogram,bounds=1;1", "needs bounds in ascending order"],
    ["name=a,type=histogram,bounds=1.5", 'expects whole numbers for bounds, separated by ";"'],
    ["name=a,type=histogram,bounds=;", "needs 1 to 256 bounds, not 0"],
    ["name=a,collector=file,arg1=x,reset_after_push", "cannot be reset after a push"],
    ["name=a,initial_value=9223372036854775808", "expects a whole number of at most 64 bits"],
    ["name=a,freq=0", "expects a whole number from 1 to 86400 for freq"],
    ["name=a,oid=x", 'expects digits and dots for oid, not "x"'],
  ];
  for (const [text, message] of cases) assertThrows(() => metric(text), SyntaxError, message);
});

Deno.test("parseThresholdLine() reads all keys, and says what is wrong", () => {
  const { key, value, alarm, message, rate, reset } = threshold(
    "key=a,value=-9223372036854775808,alarm=mail,msg=too\\, much,rate=5,reset=1",
  );
  assertEquals([key, value], ["a", -(2n ** 63n)]);
  assertEquals([alarm, message, rate, reset], ["mail", "too, much", 5, true]);
  assertEquals(threshold("key=a,value=1").rate, 60);
  assertThrows(() => threshold("key=a"), SyntaxError, "needs a metric and a value");
  assertThrows(() => threshold("key=a,value=x"), SyntaxError, "at most 64 bits for value");
  assertThrows(() => threshold("key=a,value=1,reset=2"), SyntaxError, "from 0 to 1 for reset");
});

/** The problems of an instance with these lines, which begin at line 4. */
function problems(...lines: string[]): string[] {
  const text = ["[uwsgi]", "socket = :1", "deno-worker-override = a.ts", ...lines].join("\n");
  const loaded = loadConfig(["a.ini"], memorySource({ files: { "a.ini": text } }));
  return loaded.problems.map(({ severity, message }) => `${severity}: ${message}`);
}

Deno.test("metrics must have different names, and none of duwsgi's own", () => {
  assertEquals(problems("metric = a", "metric = name=a,type=gauge"), [
    'error: "metric" at a.ini:5 declares "a" again, see a.ini:4: remove one of the two',
  ]);
  assertEquals(problems("metric = worker.12.requests"), [
    'error: "metric" at a.ini:4 cannot be "worker.12.requests", which duwsgi keeps itself: choose ' +
    "another name",
  ]);
});

Deno.test("metrics that are one to Prometheus are refused where it is to read them", () => {
  const two = ["metric = a-b", "metric = name=a.b,type=gauge"];
  assertEquals(problems(...two), []);
  assertEquals(problems("metrics-http = :9100", ...two), [
    'error: "metric" at a.ini:6 is duwsgi_user_a_b to Prometheus (metrics-http), like "a-b" at ' +
    "a.ini:5: rename one of the two",
  ]);
  const histogram = "metric = name=h,type=histogram,bounds=1";
  assertEquals(
    problems("metrics-http = :9100", histogram, "metric = name=h.sum,type=gauge").length,
    1,
  );
});

Deno.test("what metrics and thresholds refer to must be there", () => {
  assertEquals(
    problems(
      "metric = app.hits",
      "metric = name=h,type=histogram,bounds=1",
      "metric = name=l,type=alias,alias=app.hit",
      "metric = name=m,type=alias,alias=l",
      "metric = name=s,collector=sum,children=app.hits;core.total_tx;h;zzzzzz",
      "metric-threshold = key=app.hots,value=1",
      "metric-alarm = key=rss_size,value=1,reset",
      "metric-threshold = key=l,value=1,reset",
    ),
    [
      'error: "metric" at a.ini:6 has an unknown metric as alias, "app.hit": did you mean "app.hits"?',
      'error: "metric" at a.ini:7 is an alias of the alias "l": use alias=app.hit',
      'error: "metric" at a.ini:8 has the histogram "h" as child, which is not one value: remove it',
      'error: "metric" at a.ini:8 has an unknown metric as child, "zzzzzz": declare it with metric',
      'error: "metric-threshold" at a.ini:9 has an unknown metric as key, "app.hots": did you mean ' +
      '"app.hits"?',
      'error: "metric-alarm" at a.ini:10 cannot reset "rss_size", which duwsgi keeps itself: remove ' +
      '"reset"',
      'error: "metric-threshold" at a.ini:11 cannot reset the alias "l": use key=app.hit',
    ],
  );
});

Deno.test("metrics-dir-restore without a directory is worth a warning", () => {
  assertEquals(problems("metrics-dir-restore = true"), [
    'warning: "metrics-dir-restore" at a.ini:4 has no effect without metrics-dir',
  ]);
});
