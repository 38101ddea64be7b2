/** Numbers that are collected from files. */
import { assertEquals } from "@std/assert";
import { MetricFiles } from "../../../../lib/master/metrics/metric_files.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

Deno.test("MetricFiles takes numbers, and goes on without those that are not there", async () => {
  using place = new TempDirectory();
  const found: bigint[] = [];
  const take = (number: bigint) => void found.push(number);
  const metric = (name: string, column: number) => ({ name, path: place.at(name), column, take });
  place.write("good", "a 12 kB");
  place.write("bad", "a");
  const files = new MetricFiles();
  await files.collect([metric("good", 1), metric("bad", 0), metric("missing", 0)]);
  assertEquals(found, [12n]);
  place.write("bad", "7");
  await files.collect([metric("bad", 0)]);
  assertEquals(found, [12n, 7n]);
});

Deno.test("MetricFiles does not wait for a file that takes too long, nor reads it twice at once", async () => {
  using place = new TempDirectory();
  const path = place.at("fifo");
  await new Deno.Command("mkfifo", { args: [path] }).output();
  const taken = Promise.withResolvers<bigint>();
  let times = 0;
  const take = (number: bigint) => {
    times++;
    taken.resolve(number);
  };
  const files = new MetricFiles();
  const metric = { name: "slow", path, column: 0, take };
  await files.collect([metric]);
  await files.collect([metric]);
  assertEquals(times, 0);
  await Deno.writeTextFile(path, "5\n");
  assertEquals(await taken.promise, 5n);
  assertEquals(times, 1);
});
