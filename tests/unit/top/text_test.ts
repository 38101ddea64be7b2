import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  fitted,
  line,
  lineWidth,
  padded,
  painted,
  plainText,
  shortened,
  span,
  widthOf,
  wrapped,
} from "../../../lib/top/text.ts";

Deno.test("shortened() and padded() count columns, not characters", () => {
  assertEquals([widthOf("日本"), widthOf("e\u0301"), widthOf("▁█")], [4, 1, 2]);
  assertEquals([shortened("日本語", 5), shortened("abc", 3), shortened("abc", 2)], [
    "日本…",
    "abc",
    "a…",
  ]);
  assertEquals([padded("日", 3), padded("a", 3, true), padded("abcd", 3)], ["日 ", "  a", "ab…"]);
  assertEquals(shortened("abc", 0), "");
});

Deno.test("no text is wider than its place, whatever is in it", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), fc.nat(20), (text, width) => {
    assert(widthOf(shortened(text, width)) <= width);
    assert(lineWidth(fitted([span(text), span(text)], width)) <= width);
  }));
});

Deno.test("span() lets nobody command the terminal", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    assert(!/\p{Cc}/u.test(painted(line(text), true)));
  }));
  assertEquals(plainText(line("a\x1b[2Jb\u202ec")), "a?[2Jb?c");
});

Deno.test("painted() keeps without colours what needs none", () => {
  const spans = [span("a", "bad"), span("b", "reverse"), span("c")];
  assertEquals(painted(spans, true), "\x1b[31ma\x1b[0m\x1b[7mb\x1b[0mc");
  assertEquals(painted(spans, false), "a\x1b[7mb\x1b[0mc");
});

Deno.test("wrapped() breaks between words", () => {
  assertEquals(wrapped("one two three", 8), ["one two", "three"]);
  assertEquals(wrapped("incomprehensible", 4), ["incomprehensible"]);
});
