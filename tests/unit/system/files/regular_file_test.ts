/** What is read whole, and what is not. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  MAX_FILE_BYTES,
  readRegularFile,
  readRegularText,
  readToEnd,
} from "../../../../lib/system/files/regular_file.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

Deno.test("files are read to their ends, those of the kernel as well", () => {
  using directory = new TempDirectory();
  const path = directory.at("file");
  for (const size of [0, 1, 4095, 4096, 4097, 100_000]) {
    Deno.writeTextFileSync(path, "a".repeat(size));
    assertEquals(readRegularText(path).length, size);
  }
  // Their size is said to be 0.
  assertEquals(readRegularText("/proc/self/maps").length > 4096, true);
  assertEquals(readRegularFile("/dev/null").length, 0);
});

Deno.test("what is no file is refused before it is opened", async () => {
  using directory = new TempDirectory();
  const fifo = directory.at("fifo");
  await new Deno.Command("mkfifo", { args: [fifo] }).output();
  const streams = { streams: true };
  assertThrows(() => readRegularFile(fifo), Error, "it is a pipe (FIFO)");
  assertThrows(() => readRegularFile(fifo, streams), Error, "it is a pipe (FIFO)");
  assertThrows(() => readRegularFile("/dev/zero"), Error, "it is a device");
  assertThrows(() => readRegularFile("/dev/zero", streams), Error, "more than 16 MiB");
  assertThrows(() => readRegularFile(directory.path), Deno.errors.IsADirectory);
  const large = directory.at("large");
  Deno.writeTextFileSync(large, "");
  Deno.truncateSync(large, MAX_FILE_BYTES + 1);
  assertThrows(() => readRegularFile(large), Error, "more than 16 MiB");
});

Deno.test("what has no end is read up to the limit", () => {
  let read = 0;
  const endless = (bytes: Uint8Array) => {
    read += bytes.length;
    return bytes.length;
  };
  assertThrows(() => readToEnd(endless), Error, "more than 16 MiB");
  assertEquals(read, MAX_FILE_BYTES + 1);
});
