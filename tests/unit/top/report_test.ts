import { assertEquals, assertMatch } from "@std/assert";
import { reportText, reportValue } from "../../../lib/top/report.ts";
import { plainText } from "../../../lib/top/text.ts";
import { busyDocument, modelAfter } from "../../helpers/busy_instance.ts";
import { statsDocument } from "../../helpers/stats_document.ts";
import { uwsgiDocument } from "../../helpers/uwsgi_document.ts";

Deno.test("reportText() is a table without anything for terminals", () => {
  const text = reportText(modelAfter(busyDocument(0, 2), busyDocument(1, 2)), 0, plainText);
  const lines = text.split("\n");
  assertMatch(
    lines[0] ?? "",
    /^duwsgi 0\.1\.0 {2}pid 1000 {2}running for 61s {2}\/srv\/app\/app\.ts$/,
  );
  assertMatch(lines.at(-1) ?? "", /^ +2 +1002 +accepting +2 +20 /);
  assertEquals(lines.filter((line) => line.endsWith(" ")), []);
});

Deno.test("reportValue() has the document as it came, and what was computed", () => {
  const document = busyDocument(2, 2);
  const report = reportValue(modelAfter(busyDocument(0, 2), document), document);
  assertEquals(report.stats, document);
  assertEquals(report.interval_s, 2);
  assertEquals(report.total.requests_per_second, 30);
  assertEquals(report.workers.map((worker) => [worker.id, worker.requests_per_second]), [
    [1, 10],
    [2, 20],
  ]);
  assertEquals(JSON.parse(JSON.stringify(report)), report);
});

Deno.test("reportValue() says null where nothing is known", () => {
  const { total, interval_s } = reportValue(modelAfter(statsDocument()), {});
  assertEquals([interval_s, total.requests_per_second, total.p50_us], [null, null, null]);
  const uwsgi = reportValue(modelAfter(uwsgiDocument(1), uwsgiDocument(3)), {});
  assertEquals([uwsgi.total.requests_per_second, uwsgi.total.p99_us], [2, null]);
});
