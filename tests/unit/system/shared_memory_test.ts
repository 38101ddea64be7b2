/** Memory that two processes share. */
import { assertEquals, assertThrows } from "@std/assert";
import { fromFileUrl } from "@std/path/posix";
import { lendDescriptors } from "../../../lib/system/descriptor.ts";
import { SystemCallError } from "../../../lib/system/libc.ts";
import {
  createAnonymousFile,
  createSharedMemory,
  mapSharedMemory,
  readAnonymousFile,
} from "../../../lib/system/shared_memory.ts";
import { OwnedDescriptors } from "../../helpers/owned_descriptors.ts";

const COUNT = fromFileUrl(new URL("../../fixtures/scripts/count.ts", import.meta.url));
const TIMES = 20_000;

Deno.test("mapSharedMemory() shows every mapping the same zeros and what others write", () => {
  using owned = new OwnedDescriptors();
  const fd = owned.own(createSharedMemory(owned.libc, "duwsgi-test", 4096));
  const one = new Int32Array(mapSharedMemory(owned.libc, fd, 4096));
  const other = new Int32Array(mapSharedMemory(owned.libc, fd, 4096));
  assertEquals([one.length, one.some((value) => value !== 0)], [1024, false]);
  one[1023] = 42;
  assertEquals(other[1023], 42);
});

Deno.test("mapSharedMemory() loses no count, when processes add to it with atomics at the same time", async () => {
  using owned = new OwnedDescriptors();
  const c = owned.libc;
  const fd = owned.own(createSharedMemory(c, "duwsgi-test", 4096));
  const cells = new BigInt64Array(mapSharedMemory(c, fd, 4096));
  const children = lendDescriptors(
    c,
    [fd],
    () =>
      [1, 2].map(() =>
        new Deno.Command(Deno.execPath(), {
          args: ["run", "-A", COUNT, String(fd), "4096", String(TIMES)],
          stdin: "null",
        }).spawn()
      ),
  );
  // Each waits until both are there, so that they really count at the same time.
  const statuses = await Promise.all(children.map((child) => child.status));
  assertEquals(statuses.map(({ code }) => code), [0, 0]);
  assertEquals(Atomics.load(cells, 1), BigInt(2 * TIMES));
});

Deno.test("mapSharedMemory() throws, when the descriptor is not open", () => {
  using owned = new OwnedDescriptors();
  assertThrows(() => mapSharedMemory(owned.libc, 900_000, 4096), Error, "shared memory");
});

Deno.test("createSharedMemory() throws, when the name is longer than memfd_create(2) allows", () => {
  using owned = new OwnedDescriptors();
  assertThrows(() => createSharedMemory(owned.libc, "x".repeat(300), 8), SystemCallError);
});

Deno.test("readAnonymousFile() gives back what createAnonymousFile() wrote, any number of times", () => {
  using owned = new OwnedDescriptors();
  for (const text of ["", "ä€\u{1f512}\n".repeat(20_000)]) {
    const fd = owned.own(createAnonymousFile(owned.libc, "duwsgi-test", text));
    for (let i = 0; i < 2; i++) assertEquals(readAnonymousFile(owned.libc, fd), text);
  }
});

Deno.test("nobody can change the size of shared memory: reading what is gone kills a process", () => {
  using owned = new OwnedDescriptors();
  const c = owned.libc;
  const fd = owned.own(createSharedMemory(c, "duwsgi-test", 8192));
  for (const size of [0n, 4096n, 16_384n]) assertEquals(c.ftruncate(fd, size), -1);
  const punched = c.fallocate(fd, 0, 8192n, 4096n);
  assertEquals([punched, new Uint8Array(mapSharedMemory(c, fd, 8192))[8191]], [-1, 0]);
});

Deno.test("nobody can change an anonymous file with a text", () => {
  using owned = new OwnedDescriptors();
  const c = owned.libc;
  const fd = owned.own(createAnonymousFile(c, "duwsgi-test", "text"));
  assertEquals([Number(c.write(fd, new Uint8Array(1), 1n)), c.ftruncate(fd, 0n)], [-1, -1]);
  assertThrows(() => mapSharedMemory(c, fd, 4));
  assertEquals(readAnonymousFile(c, fd), "text");
});
