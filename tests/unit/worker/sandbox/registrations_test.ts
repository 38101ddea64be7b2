/** What is read of epoll registrations. */
import { assertEquals } from "@std/assert";
import { EVENT_BYTES, registrations } from "../../../../lib/worker/sandbox/registrations.ts";
import type { OpenFile } from "../../../../lib/worker/sandbox/sealed_files.ts";

/** Reads this text as /proc/self/fdinfo of an epoll instance, a few bytes at a time. */
function reading(text: string) {
  const bytes = new TextEncoder().encode(text);
  return registrations({
    pread: (_fd, into, _count, offset) => {
      const piece = bytes.subarray(Number(offset), Number(offset) + 7);
      (into as Uint8Array).set(piece);
      return BigInt(piece.length);
    },
  });
}

function file(inode: bigint): OpenFile {
  const words = new Int32Array(new BigUint64Array([inode]).buffer);
  const [inodeLow = 0, inodeHigh = 0] = words;
  return { inodeLow, inodeHigh, deviceMajor: 0, deviceMinor: 8, type: 0 };
}

const TEXT = `pos:\t0
flags:\t02000002
tfd:        7 events: 80002019 data:               ab  pos:0 ino:1c2 sdev:8
tfd:       17 events:       19 data:     7f01020304050607  pos:0 ino:100000001c3 sdev:8
tfd:       18 events:       19 data:               ff  pos:0 ino:1c3 sdev:8
tfd:      118 events:       19 data:               ff  pos:0 ino:1c3 sdev:8
`;

Deno.test("a registration is what the kernel says of a descriptor and its file", () => {
  const { find } = reading(TEXT);
  const event = new Uint8Array(EVENT_BYTES);
  const packed = Deno.build.arch === "x86_64" ? [] : [0, 0, 0, 0];
  assertEquals(find(3, 17, file(0x100_0000_01c3n), event), true);
  assertEquals([...event], [0x19, 0, 0, 0, ...packed, 7, 6, 5, 4, 3, 2, 1, 0x7f]);
  assertEquals(find(3, 7, file(0x1c2n), event), true);
  assertEquals([...event], [0x19, 0x20, 0, 0x80, ...packed, 0xab, 0, 0, 0, 0, 0, 0, 0]);
  // The number stands for another file, or is not registered.
  assertEquals(find(3, 17, file(0x1c3n), event), false);
  assertEquals(find(3, 1, file(0x1c2n), event), false);
});

Deno.test("registrations of several descriptors are read in one go", () => {
  const { findAll } = reading(TEXT);
  const places = new Int32Array(256);
  const files = [file(0x1c3n), file(0x100_0000_01c3n), file(1n)];
  [18, 17, 7].forEach((fd, place) => places[fd] = place + 1);
  const events = new Uint8Array(3 * EVENT_BYTES);
  const found = new Uint8Array(3);
  findAll(3, places, files, events, found);
  // The third number stands for another file by now.
  assertEquals([...found], [1, 1, 0]);
  const event = new Uint8Array(EVENT_BYTES);
  reading(TEXT).find(3, 17, files[1] ?? file(0n), event);
  assertEquals(events.slice(EVENT_BYTES, 2 * EVENT_BYTES), event);
  assertEquals(events[EVENT_BYTES - 8], 0xff);
});

Deno.test("descriptors of a file are listed, as far as there is room", () => {
  const { descriptorsOf } = reading(TEXT);
  const fds = new Int32Array(4);
  assertEquals(descriptorsOf(3, file(0x1c3n), fds, 4), 2);
  assertEquals([...fds], [18, 118, 0, 0]);
  assertEquals(descriptorsOf(3, file(0x1c3n), fds, 1), 1);
  assertEquals(descriptorsOf(3, file(1n), fds, 4), 0);
});
