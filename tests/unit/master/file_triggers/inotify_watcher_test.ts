/** Files and directories that trigger something when they change. */
import { assert, assertEquals } from "@std/assert";
import { FileWatch } from "../../../../lib/master/file_triggers/inotify_watcher.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

/** Watches things in a directory of its own, and collects what they trigger. */
class Watch implements Disposable {
  readonly directory = new TempDirectory();
  readonly seen: string[] = [];
  #news = Promise.withResolvers<void>();
  readonly #watch = new FileWatch<string>((what) => {
    this.seen.push(what);
    this.#news.resolve();
  });

  watch(...files: readonly (readonly [name: string, what: string])[]): void {
    this.#watch.watch(files.map(([name, what]) => ({ path: this.directory.at(name), what })));
  }

  /** The next thing that was triggered. */
  async next(): Promise<string> {
    while (this.seen.length === 0) {
      await this.#news.promise;
      this.#news = Promise.withResolvers();
    }
    return this.seen.shift() ?? "";
  }

  [Symbol.dispose](): void {
    this.#watch.close();
    this.directory[Symbol.dispose]();
  }
}

Deno.test("FileWatch sees a file written, replaced, given another mode, removed and made again", async () => {
  using watch = new Watch();
  const path = watch.directory.write("f", "1");
  watch.watch(["f", "f"]);
  const changes: readonly (() => void)[] = [
    () => Deno.writeTextFileSync(path, "2"),
    () => Deno.chmodSync(path, 0o600),
    () => Deno.renameSync(watch.directory.write("f.new", "3"), path),
    () => Deno.removeSync(path),
    () => Deno.writeTextFileSync(path, "4"),
    () => Deno.writeTextFileSync(path, "5"),
  ];
  for (const change of changes) {
    change();
    assertEquals(await watch.next(), "f");
  }
});

Deno.test("FileWatch does not see files that are read, and those beside", async () => {
  using watch = new Watch();
  const path = watch.directory.write("f", "1");
  watch.watch(["f", "f"], ["mark", "mark"]);
  Deno.readTextFileSync(path);
  watch.directory.write("sibling", "2");
  watch.directory.write("mark");
  assertEquals([await watch.next(), watch.seen], ["mark", []]);
});

Deno.test("FileWatch takes many changes that come together for one", async () => {
  using watch = new Watch();
  watch.watch(["a", "code"], ["b", "code"], ["mark", "mark"]);
  for (let i = 0; i < 50; i++) watch.directory.write(i % 2 === 0 ? "a" : "b", String(i));
  assertEquals(await watch.next(), "code");
  watch.directory.write("mark");
  let more = 0;
  while (await watch.next() === "code") more++;
  // On a slow machine they may not all come together.
  assert(more < 5, `${more} more`);
});

Deno.test("FileWatch sees what is directly in a directory", async () => {
  using watch = new Watch();
  watch.directory.write("d/one");
  watch.watch(["d", "d"]);
  watch.directory.write("d/two");
  assertEquals(await watch.next(), "d");
  Deno.removeSync(watch.directory.at("d/one"));
  assertEquals(await watch.next(), "d");
});

Deno.test("FileWatch waits for a path whose directories are not there yet", async () => {
  using watch = new Watch();
  watch.watch(["x/y/f", "f"]);
  Deno.mkdirSync(watch.directory.at("x"));
  assertEquals(await watch.next(), "f");
  Deno.mkdirSync(watch.directory.at("x/y"));
  assertEquals(await watch.next(), "f");
  watch.directory.write("x/y/f", "1");
  assertEquals(await watch.next(), "f");
  watch.directory.write("x/y/f", "2");
  assertEquals(await watch.next(), "f");
});

Deno.test("FileWatch watches only what it was told last, and nothing once it is closed", async () => {
  using watch = new Watch();
  watch.watch(["old", "old"]);
  watch.watch(["new", "new"]);
  watch.directory.write("old");
  watch.directory.write("new");
  assertEquals([await watch.next(), watch.seen], ["new", []]);
});

/** Has a link lead to somewhere else, as `mv -T` of another link does. */
function flip(watch: Watch, name: string, target: string): void {
  Deno.symlinkSync(target, watch.directory.at(`${name}.new`));
  Deno.renameSync(watch.directory.at(`${name}.new`), watch.directory.at(name));
}

Deno.test("FileWatch sees through the links of a ConfigMap, again and again", async () => {
  using watch = new Watch();
  const { directory } = watch;
  for (const number of [1, 2, 3]) directory.write(`..${number}/app.ini`, String(number));
  Deno.symlinkSync("..1", directory.at("..data"));
  Deno.symlinkSync("..data/app.ini", directory.at("app.ini"));
  watch.watch(["app.ini", "app.ini"]);
  flip(watch, "..data", "..2");
  assertEquals(await watch.next(), "app.ini");
  Deno.removeSync(directory.at("..1"), { recursive: true });
  flip(watch, "..data", "..3");
  assertEquals(await watch.next(), "app.ini");
  directory.write("..3/app.ini", "edited");
  assertEquals(await watch.next(), "app.ini");
});

Deno.test("FileWatch sees edits where a link leads now, and no more where it led before", async () => {
  for (const watched of ["current/app.ts", "current"]) {
    using watch = new Watch();
    const { directory } = watch;
    for (const number of [1, 2]) directory.write(`releases/${number}/app.ts`, String(number));
    Deno.symlinkSync("releases/1", directory.at("current"));
    watch.watch([watched, "release"], ["mark", "mark"]);
    directory.write("releases/1/app.ts", "edited");
    assertEquals(await watch.next(), "release", watched);
    flip(watch, "current", "releases/2");
    assertEquals(await watch.next(), "release", watched);
    // The watcher of the old one may tell what it saw until its successor has taken over.
    directory.write("releases/2/app.ts", "edited");
    assertEquals(await watch.next(), "release", watched);
    directory.write("releases/1/app.ts", "edited again");
    directory.write("mark");
    assertEquals(await watch.next(), "mark", watched);
  }
});

Deno.test("FileWatch does not take a file beside the one behind a link for it", async () => {
  using watch = new Watch();
  const { directory } = watch;
  directory.write("releases/1/app.ts", "1");
  Deno.symlinkSync("releases/1", directory.at("current"));
  watch.watch(["current/app.ts", "app"], ["mark", "mark"]);
  directory.write("releases/1/other.ts", "2");
  directory.write("releases/2/app.ts", "3");
  directory.write("mark");
  assertEquals([await watch.next(), watch.seen], ["mark", []]);
});
