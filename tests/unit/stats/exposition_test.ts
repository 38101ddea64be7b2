import { assertEquals } from "@std/assert";
import { type Family, formatFor, renderFamilies } from "../../../lib/stats/exposition.ts";

const FAMILIES: readonly Family[] = [
  {
    name: "a_bytes",
    type: "counter",
    unit: "bytes",
    help: 'Says "a\\b"\nand more.',
    samples: [{ labels: { x: 'q"\\\n', y: "" }, value: 3 }],
  },
  {
    name: "b_seconds",
    type: "histogram",
    unit: "seconds",
    help: "Times.",
    samples: [{
      labels: { w: "1" },
      value: { bounds: [0.0005, 1, 2.5], counts: [2, 0, 1, 4], sum: 12.5 },
    }],
  },
  { name: "c", type: "info", unit: "", help: "What.", samples: [{ labels: { v: "1" }, value: 1 }] },
  { name: "d", type: "gauge", unit: "", help: "None.", samples: [] },
  {
    name: "e",
    type: "gauge",
    unit: "",
    help: "Some.",
    samples: [{ labels: {}, value: Infinity }, { labels: { n: "2" }, value: -0.5 }],
  },
];

Deno.test("renderFamilies() writes the text format 0.0.4", () => {
  assertEquals(
    renderFamilies(FAMILIES, "prometheus"),
    String.raw`# HELP a_bytes_total Says "a\\b"\nand more.
# TYPE a_bytes_total counter
a_bytes_total{x="q\"\\\n",y=""} 3
# HELP b_seconds Times.
# TYPE b_seconds histogram
b_seconds_bucket{w="1",le="0.0005"} 2
b_seconds_bucket{w="1",le="1.0"} 2
b_seconds_bucket{w="1",le="2.5"} 3
b_seconds_bucket{w="1",le="+Inf"} 7
b_seconds_sum{w="1"} 12.5
b_seconds_count{w="1"} 7
# HELP c_info What.
# TYPE c_info gauge
c_info{v="1"} 1
# HELP e Some.
# TYPE e gauge
e +Inf
e{n="2"} -0.5
`,
  );
});

Deno.test("renderFamilies() writes OpenMetrics: other names in the head, the same ones for values", () => {
  assertEquals(
    renderFamilies(FAMILIES.filter(({ type }) => type !== "histogram"), "openmetrics"),
    String.raw`# TYPE a_bytes counter
# UNIT a_bytes bytes
# HELP a_bytes Says \"a\\b\"\nand more.
a_bytes_total{x="q\"\\\n",y=""} 3
# TYPE c info
# HELP c What.
c_info{v="1"} 1
# TYPE e gauge
# HELP e Some.
e +Inf
e{n="2"} -0.5
# EOF
`,
  );
});

Deno.test("formatFor() takes what the client likes best of what there is", () => {
  const prometheus = "application/openmetrics-text;version=1.0.0;q=0.6," +
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4," +
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
  const cases = [
    [prometheus, "openmetrics"],
    ["application/openmetrics-text; version=1.0.0; charset=utf-8", "openmetrics"],
    ["Application/OpenMetrics-Text", "openmetrics"],
    ["application/openmetrics-text;version=0.0.1", "prometheus"],
    ["application/openmetrics-text;q=0.1,text/plain;q=0.2", "prometheus"],
    ["application/openmetrics-text;q=0", "prometheus"],
    ["text/html,*/*;q=0.8", "prometheus"],
    ["", "prometheus"],
    [";;=,q", "prometheus"],
  ] as const;
  for (const [accept, format] of cases) assertEquals(formatFor(accept), format, accept);
});
