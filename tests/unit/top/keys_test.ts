import { assertEquals } from "@std/assert";
import { KeyReader } from "../../../lib/top/keys.ts";

/** The keys in these pieces of input. */
function keys(...pieces: readonly string[]): readonly string[] {
  const reader = new KeyReader();
  return pieces.flatMap((piece) => reader.take(new TextEncoder().encode(piece)));
}

Deno.test("KeyReader knows characters, control keys and the sequences of terminals", () => {
  assertEquals(keys("qj?"), ["q", "j", "?"]);
  assertEquals(keys("\x03\x1a\x0c\r\n"), ["interrupt", "suspend", "redraw", "enter", "enter"]);
  assertEquals(keys("\x1b[A\x1bOB\x1b[5~\x1b[6~\x1b[H\x1b[4~"), [
    "up",
    "down",
    "pageUp",
    "pageDown",
    "home",
    "end",
  ]);
  assertEquals(keys("é😀"), ["é", "😀"]);
});

Deno.test("KeyReader puts together what comes in pieces", () => {
  assertEquals(keys("\x1b[", "A", "\x1b[1", ";5", "C", "q"), ["up", "q"]);
  assertEquals(keys("\x1bO", "A"), ["up"]);
});

Deno.test("KeyReader takes ESC for a key where nothing follows, and skips what it does not know", () => {
  assertEquals(keys("\x1b"), ["escape"]);
  assertEquals(keys("\x1bq"), ["escape", "q"]);
  assertEquals(keys("\x1b\x1b[A"), ["escape", "up"]);
  assertEquals(keys("\x1b[200~x\x1b[<0;1;2M"), ["x"]);
  assertEquals(keys(`\x1b[${"1".repeat(50)}`).length > 0, true);
});
