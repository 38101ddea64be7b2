/** Text of others. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  excerpt,
  isFieldValue,
  masked,
  printable,
  printableLines,
  withoutBlanks,
} from "../../lib/foreign_text.ts";
import { escapeText } from "../../lib/worker/request_log/escape.ts";

/** What commands a terminal, ends a line, or turns the direction of a text. */
const UNPRINTABLE: readonly string[] = [
  ...Array.from({ length: 0x20 }, (_, i) => String.fromCharCode(i)),
  ...Array.from({ length: 0x21 }, (_, i) => String.fromCharCode(0x7f + i)),
  ..."\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
  "\ud800",
  "\udfff",
];

Deno.test("nothing that cannot be printed is left, and everything else stays", () => {
  for (const character of UNPRINTABLE) {
    const code = `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
    assertEquals(printable(`a${character}b`), `a${code}b`);
    assertEquals(escapeText(`a${character}b`), `a${code}b`);
    assertEquals(masked(`a${character}b`, "?"), "a?b");
    const inLines = character === "\n" ? character : code;
    assertEquals(printableLines(`a${character}b`), `a${inLines}b`);
  }
  const usual = "aZ09 äöü 漢字 😀 \"'\\<>~";
  assertEquals([printable(usual), printableLines(usual), masked(usual, "?")], Array(3).fill(usual));
});

Deno.test("printable JSON means the same", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const json = printable(JSON.stringify({ text }));
    assertEquals(JSON.parse(json), { text });
    assertEquals(JSON.parse(`"${escapeText(text)}"`), text);
    // Halves of surrogate pairs are parts of good characters as well.
    const bad = UNPRINTABLE.filter((character) => !/[\ud800-\udfff]/.test(character));
    assert(json.isWellFormed() && !bad.some((character) => json.includes(character)));
  }));
});

Deno.test("an excerpt says that there is more", () => {
  assertEquals([excerpt("abc", 3), excerpt("abcd", 3), excerpt("\n", 3)], [
    "abc",
    "abc…",
    "\\u000a",
  ]);
});

Deno.test("blanks and values of fields are those of HTTP", () => {
  assertEquals(["", " \t ", " \ta b\t", "\u00a0a\n"].map(withoutBlanks), [
    "",
    "",
    "a b",
    "\u00a0a\n",
  ]);
  assertEquals(["", "a\tb", "\u0080é"].filter(isFieldValue).length, 3);
  assertEquals(["\r", "a\nb", "\0", "\x7f"].filter(isFieldValue), []);
});
