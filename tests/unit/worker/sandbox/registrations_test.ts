/** What is noted of epoll registrations. */
import { assertEquals } from "@std/assert";
import { descriptorPath, registrations } from "../../../../lib/worker/sandbox/registrations.ts";

/** Reads this text as /proc/self/fdinfo of every epoll instance, a few bytes at a time. */
function reading(text: string) {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return registrations({
    open: () => {
      at = 0;
      return 9;
    },
    read: (_fd, into) => {
      const piece = bytes.subarray(at, at + 7);
      at += piece.length;
      (into as Uint8Array).set(piece);
      return BigInt(piece.length);
    },
    close: () => 0,
  });
}

const TEXT = `pos:\t0
flags:\t02000002
tfd:        7 events: 80002019 data:               ab  pos:0 ino:1c2 sdev:8
tfd:       17 events:       19 data:     7f01020304050607  pos:0 ino:1c3 sdev:8
`;

Deno.test("a registration is given back as the kernel told it, once", () => {
  const { note, take } = reading(TEXT);
  assertEquals(take(5, 17), null);
  note(5, 17);
  note(6, 17);
  note(5, 7);
  note(5, 1);
  const packed = Deno.build.arch === "x86_64" ? [] : [0, 0, 0, 0];
  assertEquals([...take(5, 17) ?? []], [0x19, 0, 0, 0, ...packed, 7, 6, 5, 4, 3, 2, 1, 0x7f]);
  assertEquals(take(6, 17), null);
  assertEquals([...take(5, 7) ?? []], [0x19, 0x20, 0, 0x80, ...packed, 0xab, 0, 0, 0, 0, 0, 0, 0]);
  assertEquals(take(5, 1), null);
  assertEquals(take(-1, -1), null);
});

Deno.test("a path ends in the number of the descriptor, whatever was there before", () => {
  const path = descriptorPath("/proc/self/fdinfo/");
  const text = (fd: number) => new TextDecoder().decode(path(fd)).replace(/\0[^]*$/, "");
  for (const fd of [0, 9, 10, 1234567, 3]) assertEquals(text(fd), `/proc/self/fdinfo/${fd}`);
});
