/** What a process prints by itself. */
import { assertEquals } from "@std/assert";
import { requireLibc } from "../../../../lib/system/libc.ts";
import {
  createWordFile,
  forgetLines,
  readLines,
} from "../../../../lib/system/files/output_file.ts";

const c = requireLibc();

function print(fd: number, text: string): void {
  const bytes = new TextEncoder().encode(text);
  assertEquals(Number(c.write(fd, bytes, BigInt(bytes.length))), bytes.length);
}

Deno.test("readLines() takes each line once, and what has no end only when all is said", () => {
  const { write, read } = createWordFile(c);
  assertEquals(readLines(c, read, false), []);
  print(write, "one\ntwo\nthr");
  assertEquals(readLines(c, read, false), ["one", "two"]);
  forgetLines(c, { write, read });
  print(write, "ee\n\nlast");
  assertEquals(readLines(c, read, false), ["three", ""]);
  assertEquals(readLines(c, read, false), []);
  assertEquals(readLines(c, read, true), ["last"]);
  c.close(write);
  c.close(read);
});

Deno.test("readLines() goes on when somebody has emptied the file, and takes long lines", () => {
  const { write, read } = createWordFile(c);
  print(write, "something that was read\n");
  assertEquals(readLines(c, read, false).length, 1);
  c.ftruncate(write, 0n);
  print(write, "new\n");
  assertEquals(readLines(c, read, false), ["new"]);
  const long = "é".repeat(100_000);
  print(write, `${long}\n`);
  assertEquals(readLines(c, read, false), [long]);
  c.close(write);
  c.close(read);
});

Deno.test("readLines() reads no more than the end of what a dead process has left", () => {
  const { write, read } = createWordFile(c);
  print(write, `begin\n`);
  // A hole that would take more memory than there is.
  assertEquals(c.ftruncate(write, 2n ** 50n), 0);
  print(write, "\nlast\n");
  const lines = readLines(c, read, true);
  assertEquals(lines.at(-1), "last");
  assertEquals(/^\(\d+ bytes before this are left out\)$/.test(lines[0] ?? ""), true);
  assertEquals(lines.join("\n").length < 2 << 20, true);
  c.close(write);
  c.close(read);
});
