/** Files that trigger something when they are touched. */
import { assert, assertEquals } from "@std/assert";
import { TouchFiles } from "../../../../lib/master/file_triggers/touch_files.ts";
import { fulfilledWithin } from "../../../../lib/system/timing.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

/** How long a touch may take to be seen (10 s): only failures take that long. */
const PATIENCE_MS = 10_000;

/** Watches files in a directory of its own and collects what they trigger. */
class Watch implements Disposable {
  readonly directory = new TempDirectory();
  readonly seen: string[] = [];
  #news = Promise.withResolvers<void>();
  readonly files = new TouchFiles<string>((what, path) => {
    this.seen.push(`${what} ${path.slice(this.directory.path.length + 1)}`);
    this.#news.resolve();
  });

  watch(...files: readonly (readonly [name: string, what: string])[]): void {
    this.files.watch(files.map(([name, what]) => ({ path: this.directory.at(name), what })));
  }

  /** Gives a file a modification time, in seconds since the epoch. */
  touch(name: string, seconds: number): void {
    Deno.utimeSync(this.directory.at(name), seconds, seconds);
  }

  /** Waits until so many things were triggered. */
  async triggered(count: number): Promise<readonly string[]> {
    while (this.seen.length < count) {
      const inTime = await fulfilledWithin(this.#news.promise, PATIENCE_MS);
      assert(inTime, `only "${this.seen.join()}" within ${PATIENCE_MS} ms`);
      this.#news = Promise.withResolvers<void>();
    }
    return this.seen;
  }

  [Symbol.dispose](): void {
    this.files.close();
    this.directory[Symbol.dispose]();
  }
}

Deno.test("TouchFiles reports a touched file once, and only that one", async () => {
  using watch = new Watch();
  for (const name of ["a", "b", "c"]) watch.directory.write(name);
  watch.watch(["a", "chain"], ["b", "all"], ["c", "chain"]);
  watch.touch("b", 1_000);
  assertEquals(await watch.triggered(1), ["all b"]);
  // A look at all files lies between the two: whatever else had been touched would be there.
  watch.touch("c", 1_000);
  assertEquals(await watch.triggered(2), ["all b", "chain c"]);
});

Deno.test("TouchFiles sees times that go backwards, and those that differ by a millisecond", async () => {
  using watch = new Watch();
  watch.directory.write("a");
  watch.touch("a", 2_000);
  watch.watch(["a", "chain"]);
  watch.touch("a", 1_999.999);
  assertEquals(await watch.triggered(1), ["chain a"]);
});

Deno.test("TouchFiles reports a file that appears, and nothing when it goes away and comes back", async () => {
  using watch = new Watch();
  watch.directory.write("marker");
  watch.watch(["later", "all"], ["marker", "chain"]);
  watch.directory.write("later");
  watch.touch("later", 1_000);
  assertEquals(await watch.triggered(1), ["all later"]);
  Deno.removeSync(watch.directory.at("later"));
  watch.touch("marker", 1_000);
  assertEquals(await watch.triggered(2), ["all later", "chain marker"]);
});

Deno.test("watch() keeps what it knows of a file, when it is called again", async () => {
  using watch = new Watch();
  for (const name of ["a", "b"]) watch.directory.write(name);
  watch.watch(["a", "chain"], ["b", "chain"]);
  // Touched between two looks, and the list of files changes before the next one.
  watch.touch("a", 1_000);
  watch.touch("b", 1_000);
  watch.watch(["a", "all"]);
  assertEquals(await watch.triggered(1), ["all a"]);
});

Deno.test("watch() has no timer, when there are no files, and close() ends it", () => {
  using watch = new Watch();
  watch.watch();
  watch.directory.write("a");
  watch.watch(["a", "chain"]);
  watch.files.close();
  watch.files.close();
});

Deno.test("TouchFiles reports one touch to everybody, when a path is watched for two things", async () => {
  using watch = new Watch();
  watch.directory.write("a");
  watch.watch(["a", "all"], ["a", "chain"]);
  watch.touch("a", 1_000);
  assertEquals(await watch.triggered(2), ["all a", "chain a"]);
});
