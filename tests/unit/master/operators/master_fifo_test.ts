/** The master FIFO. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../../../lib/errors.ts";
import { MasterFifo } from "../../../../lib/master/operators/master_fifo.ts";
import { requireLibc } from "../../../../lib/system/libc.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

// Opened here, because no test closes it.
const LIBC = requireLibc();

/** FIFOs in a directory of their own, and what arrives in them. */
class Letters implements Disposable {
  readonly directory = new TempDirectory();
  readonly problems: string[] = [];
  text = "";
  readonly fifo: MasterFifo;
  #news = Promise.withResolvers<void>();

  constructor(...names: readonly string[]) {
    const paths = names.map((name) => this.directory.at(name));
    this.fifo = new MasterFifo(LIBC, paths, {
      onLetter: (letter) => this.#take(() => this.text += letter),
      onProblem: (problem) => this.#take(() => this.problems.push(problem)),
    });
  }

  #take(take: () => void): void {
    take();
    this.#news.resolve();
  }

  /** Waits until something is the case. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await this.#news.promise;
      this.#news = Promise.withResolvers();
    }
  }

  write(name: string, text: string): Promise<void> {
    return Deno.writeTextFile(this.directory.at(name), text, { create: false });
  }

  [Symbol.dispose](): void {
    this.fifo.close();
    this.directory[Symbol.dispose]();
  }
}

Deno.test("MasterFifo has mode 600, survives its writers, and goes when it is closed", async () => {
  using letters = new Letters("f");
  assertEquals((Deno.lstatSync(letters.directory.at("f")).mode ?? 0) & 0o7777, 0o600);
  for (let i = 1; i <= 20; i++) {
    await letters.write("f", "ab");
    await letters.until(() => letters.text.length === 2 * i);
  }
  assertEquals(letters.text, "ab".repeat(20));
  letters.fifo.close();
  assertEquals(letters.directory.names, []);
  letters.fifo.close();
});

Deno.test("MasterFifo goes over to the path whose number arrives, and the other one is removed", async () => {
  using letters = new Letters("f", "g");
  assertEquals(letters.directory.names, ["f"]);
  await letters.write("f", "a1b");
  await letters.until(() => letters.text === "ab");
  assertEquals(letters.directory.names, ["g"]);
  await letters.write("g", "c1");
  await letters.until(() => letters.text === "abc");
  await letters.write("g", "7");
  await letters.until(() => letters.problems.length === 1);
  assert(letters.problems[0]?.includes("no master-fifo number 7"), letters.problems[0]);
  await letters.write("g", "d");
  await letters.until(() => letters.text === "abcd");
});

Deno.test("MasterFifo replaces a FIFO that nobody reads, and nothing else", async () => {
  using directory = new TempDirectory();
  const events = { onLetter: () => {}, onProblem: () => {} };
  const open = (path: string) => new MasterFifo(LIBC, [path], events);
  const path = directory.at("f");
  await new Deno.Command("mkfifo", { args: [path] }).output();
  const fifo = open(path);
  try {
    assertThrows(() => open(path), UserError, "another master reads it");
  } finally {
    fifo.close();
  }
  directory.write("file", "precious");
  assertThrows(() => open(directory.at("file")), UserError, "something else than a FIFO");
  assertEquals(Deno.readTextFileSync(directory.at("file")), "precious");
  assertThrows(() => open(directory.at("no/f")), UserError, "No such file or directory");
  assertThrows(() => new MasterFifo(null, [path], events), UserError, "--allow-ffi");
});

Deno.test("MasterFifo leaves what somebody else has put in its place", () => {
  using letters = new Letters("f");
  Deno.removeSync(letters.directory.at("f"));
  letters.directory.write("f", "other");
  letters.fifo.close();
  assertEquals(letters.directory.names, ["f"]);
});

Deno.test("lookAgain() makes the FIFO again that is read, and leaves alone what somebody else has put there", async () => {
  using letters = new Letters("zero", "one");
  letters.fifo.select(1);
  letters.fifo.lookAgain();
  assertEquals(letters.directory.names, ["one"]);
  Deno.removeSync(letters.directory.at("one"));
  letters.fifo.lookAgain();
  assertEquals(letters.directory.names, ["one"]);
  await letters.write("one", "x");
  await letters.until(() => letters.text === "x");
  Deno.removeSync(letters.directory.at("one"));
  letters.directory.write("one", "not ours");
  letters.fifo.lookAgain();
  assertEquals(Deno.readTextFileSync(letters.directory.at("one")), "not ours");
  assertEquals(letters.problems, []);
});
