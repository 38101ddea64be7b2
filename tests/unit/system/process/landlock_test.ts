/** What Landlock is asked for, by version of the kernel's interface. */
import { assertEquals } from "@std/assert";
import {
  ALL_FILE_RIGHTS,
  fileBits,
  handledBy,
  landlockAbi,
} from "../../../../lib/system/process/landlock.ts";
import { requireLibc } from "../../../../lib/system/libc.ts";

// Opened before the tests: it stays open.
const c = requireLibc();

const SOME_PORTS = { bind: [0], connect: [], abstractSockets: false };

Deno.test("handledBy() asks each version for what it knows, in a structure of its size", () => {
  const handled = [1, 2, 3, 4, 5, 6, 7].map((abi) => handledBy(abi, SOME_PORTS));
  assertEquals(
    handled.map(({ files }) => files.toString(16)),
    ["1fff", "3fff", "7fff", "7fff", "ffff", "ffff", "ffff"],
  );
  assertEquals(handled.map(({ ports }) => ports), [0n, 0n, 0n, 3n, 3n, 3n, 3n]);
  assertEquals(handled.map(({ scopes }) => scopes), [0n, 0n, 0n, 0n, 0n, 3n, 3n]);
  assertEquals(handled.map(({ length }) => length), [8, 8, 8, 16, 16, 24, 24]);
});

Deno.test("handledBy() leaves out what is allowed altogether", () => {
  const ports = { bind: null, connect: [443], abstractSockets: true };
  assertEquals(handledBy(7, ports), { files: 0xffffn, ports: 2n, scopes: 2n, length: 24 });
  assertEquals(handledBy(7, { ...ports, connect: null }).ports, 0n);
});

Deno.test("fileBits() has the bits of the kernel's header, and none that a version does not know", () => {
  const bits = Object.fromEntries(ALL_FILE_RIGHTS.map((right) => [right, fileBits(7, [right])]));
  assertEquals([bits.execute, bits.writeFile, bits.readFile, bits.readDirectory], [1n, 2n, 4n, 8n]);
  assertEquals([bits.makeFile, bits.makeSocket, bits.makeLink], [1n << 8n, 1n << 9n, 1n << 12n]);
  assertEquals([bits.refer, bits.truncate, bits.controlDevice], [1n << 13n, 1n << 14n, 1n << 15n]);
  assertEquals(fileBits(1, ["refer", "truncate", "readFile"]), 4n);
});

Deno.test("landlockAbi() is a version that this module knows, or 0", () => {
  const abi = landlockAbi(c);
  assertEquals(Number.isInteger(abi) && abi >= 0 && abi <= 7, true);
});
