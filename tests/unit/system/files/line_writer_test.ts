/** Whole lines on a pipe that many processes share. */
import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path/posix";
import { lendDescriptors } from "../../../../lib/system/descriptor.ts";
import { cString } from "../../../../lib/system/libc.ts";
import { stderrLines } from "../../../../lib/system/files/line_writer.ts";
import { createSharedMemory } from "../../../../lib/system/shared_memory.ts";
import { OwnedDescriptors } from "../../../helpers/owned_descriptors.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

const SCRIPT = fromFileUrl(new URL("../../../fixtures/scripts/write_lines.ts", import.meta.url));
const HOLDER = fromFileUrl(new URL("../../../fixtures/scripts/hold_lock.ts", import.meta.url));
const O_RDWR_CLOEXEC = 2 | 0o2000000;
/** Relative to the current directory. */
const AT_FDCWD = -100;
const LETTERS = "abcdefgh";
const LINES = 20;
/** Far more than PIPE_BUF, and as much as a pipe holds. */
const LENGTH = 65_536;

/** Starts one shell whose children, one per letter, write to its stderr. */
function startWriters(lock: number, redirect = ""): Deno.ChildProcess {
  const start = `"$0" run -A "$1" "$2" $letter "$3" "$4" ${redirect} &`;
  const script = `for letter in $5; do ${start} done; wait`;
  const letters = [...LETTERS].join(" ");
  return new Deno.Command("/bin/sh", {
    args: ["-c", script, Deno.execPath(), SCRIPT, `${lock}`, `${LINES}`, `${LENGTH}`, letters],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
}

function assertWhole(text: string): void {
  const lines = text.split("\n");
  assertEquals(lines.pop(), "");
  const mixed = lines.filter((line) => line !== (line[0] ?? "").repeat(LENGTH));
  assertEquals(mixed.length, 0, "mixed lines");
  const count = (letter: string) => lines.filter((line) => line[0] === letter).length;
  assertEquals([...LETTERS].map(count), [...LETTERS].map(() => LINES));
}

Deno.test("stderrLines() mixes no lines, when eight processes write 64 KB each into one pipe", async () => {
  using owned = new OwnedDescriptors();
  const lock = owned.own(createSharedMemory(owned.libc, "duwsgi-test", 8));
  const writers = lendDescriptors(owned.libc, [lock], () => startWriters(lock));
  assertWhole(new TextDecoder().decode((await writers.output()).stderr));
});

Deno.test("stderrLines() writes a line also when somebody keeps the lock of lines", async () => {
  using owned = new OwnedDescriptors();
  const lock = owned.own(createSharedMemory(owned.libc, "duwsgi-test", 8));
  const holder = lendDescriptors(owned.libc, [lock], () =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", HOLDER, `${lock}`],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn());
  const ready = holder.stdout.getReader();
  await ready.read();
  using directory = new TempDirectory();
  const path = cString(directory.at("fifo"));
  assertEquals(owned.libc.mkfifoat(AT_FDCWD, path, 0o600), 0);
  const fifo = owned.own(owned.libc.open(path, O_RDWR_CLOEXEC));
  const write = stderrLines(owned.libc, lock, { fd: fifo, lockWaitMs: 5 });
  assertEquals([write("one"), write("two")], [true, true]);
  const bytes = new Uint8Array(64);
  const length = Number(owned.libc.read(fifo, bytes, 64n));
  assertEquals(new TextDecoder().decode(bytes.subarray(0, length)), "one\ntwo\n");
  ready.releaseLock();
  await holder.stdin.close();
  await holder.stdout.cancel();
  await holder.status;
});

Deno.test("stderrLines() mixes no lines, when eight processes append to one file", async () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const path = directory.at("log");
  const lock = owned.own(createSharedMemory(owned.libc, "duwsgi-test", 8));
  const redirect = `2>>"${path}"`;
  const writers = lendDescriptors(owned.libc, [lock], () => startWriters(lock, redirect));
  assertEquals(new TextDecoder().decode((await writers.output()).stderr), "");
  assertWhole(Deno.readTextFileSync(path));
});
