/** The files of metrics. */
import { assertEquals, assertMatch } from "@std/assert";
import { MetricDirectory } from "../../../../lib/master/metrics/metric_directory.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";
import { libc } from "../../../../lib/system/libc.ts";

// Opened here, because it stays open: a test that opened it would seem to leak it.
libc();

Deno.test("MetricDirectory restores what it, or uWSGI, has written", async () => {
  using place = new TempDirectory();
  const directory = new MetricDirectory(place.path);
  assertEquals(directory.problem(), null);
  await directory.write([{ name: "a", text: "-12\n" }, { name: "h", text: "1 2 3\n" }]);
  Deno.writeTextFileSync(`${place.path}/uwsgi`, `77\n${"\0".repeat(4093)}`);
  assertEquals(directory.restore("a", 1), [-12n]);
  assertEquals(directory.restore("h", 3), [1n, 2n, 3n]);
  assertEquals(directory.restore("uwsgi", 1), [77n]);
  assertEquals([...Deno.readDirSync(place.path)].map(({ name }) => name).sort(), [
    "a",
    "h",
    "uwsgi",
  ]);
});

Deno.test("MetricDirectory restores nothing that is no good", () => {
  using place = new TempDirectory();
  const directory = new MetricDirectory(place.path);
  for (const text of ["", "x", "1 2", "99999999999999999999", "9223372036854775808", "1.5"]) {
    Deno.writeTextFileSync(`${place.path}/a`, text);
    assertEquals(directory.restore("a", 1), null, text);
  }
  assertEquals(directory.restore("missing", 1), null);
});

Deno.test("MetricDirectory writes what has changed, and goes on after a failure", async () => {
  using place = new TempDirectory();
  const directory = new MetricDirectory(place.path);
  await directory.write([{ name: "a", text: "1\n" }]);
  Deno.removeSync(`${place.path}/a`);
  await directory.write([{ name: "a", text: "1\n" }]);
  assertEquals([...Deno.readDirSync(place.path)], []);
  Deno.mkdirSync(`${place.path}/a`);
  await directory.write([{ name: "a", text: "2\n" }]);
  Deno.removeSync(`${place.path}/a`);
  await directory.writeLast([{ name: "a", text: "2\n" }]);
  assertEquals(Deno.readTextFileSync(`${place.path}/a`), "2\n");
});

Deno.test("MetricDirectory.problem() says why it cannot write", () => {
  using place = new TempDirectory();
  assertMatch(
    new MetricDirectory(`${place.path}/missing`).problem() ?? "",
    /^Cannot write to the directory of metrics-dir, ".*missing": No such file or directory/,
  );
});
