/** write(2), compiled. */
import { assertEquals } from "@std/assert";
import { fastWrite } from "../../../../lib/system/files/fast_write.ts";
import { cString, lastErrno, requireLibc } from "../../../../lib/system/libc.ts";

// Opened here, because they stay open: a test that opened them would seem to leak them.
const c = requireLibc();
const write = fastWrite(c);
/** Not a descriptor, see errno(3). */
const EBADF = 9;

Deno.test("fastWrite() writes, and says why not", () => {
  const path = Deno.makeTempFileSync();
  const fd = c.open(cString(path), 1);
  assertEquals(Number(write(fd, new TextEncoder().encode("hällo\n"), 7n)), 7);
  c.close(fd);
  assertEquals(Deno.readTextFileSync(path), "hällo\n");
  Deno.removeSync(path);
  assertEquals(Number(write(-1, new Uint8Array(1), 1n)), -1);
  assertEquals(lastErrno(c), EBADF);
});
