/** The packet in front of a request: read exactly, or refused. */
import { assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import {
  readVariables,
  Refusal,
  variablesSize,
} from "../../../../lib/worker/uwsgi_protocol/packet.ts";
import { field, fields, joined, packet } from "../../../helpers/uwsgi_client.ts";

const ascii = fc.string({ unit: "grapheme-ascii", maxLength: 300 });
const pairs = fc.array(fc.tuple(ascii.filter((name) => name !== ""), ascii), { maxLength: 40 });

Deno.test("variables are read as they were written, in order, repeated ones too", () => {
  fc.assert(fc.property(pairs, (written) => {
    assertEquals(readVariables(fields(written)), written);
  }));
});

Deno.test("the longest value that there can be is read", () => {
  const value = "x".repeat(65_530);
  const bytes = fields([["A", value]]);
  assertEquals(bytes.length, 65_535);
  assertEquals(readVariables(bytes), [["A", value]]);
});

Deno.test("bytes beyond ASCII are one character each", () => {
  assertEquals(readVariables(fields([["A", "ä\xff"]])), [["A", "\xc3\xa4\xc3\xbf"]]);
});

Deno.test("whatever the bytes are, they are variables or refused, and nothing is made up", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
    try {
      const read = readVariables(bytes);
      const size = read.reduce((sum, [name, value]) => sum + 4 + name.length + value.length, 0);
      assertEquals(size, bytes.length);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      assertEquals(error.status, 400);
    }
  }));
});

Deno.test("variables that are cut off are refused, wherever", () => {
  const whole = fields([["REQUEST_METHOD", "GET"], ["A", "b"]]);
  const complete = [0, fields([["REQUEST_METHOD", "GET"]]).length, whole.length];
  for (let length = 0; length <= whole.length; length++) {
    const read = () => readVariables(whole.subarray(0, length));
    if (complete.includes(length)) read();
    else assertThrows(read, Refusal, "malformed at byte");
  }
});

Deno.test("a variable without a name is refused", () => {
  const bytes = joined([fields([["A", "b"]]), field(""), field("c")]);
  assertThrows(() => readVariables(bytes), Refusal, "malformed at byte 6");
});

Deno.test("the size is told, up to the limit", () => {
  assertEquals(variablesSize(packet(new Uint8Array(4096)), 4096), 4096);
  assertEquals(variablesSize(packet(new Uint8Array(0)), 4096), 0);
  const error = assertThrows(() => variablesSize(packet(new Uint8Array(4097)), 4096), Refusal);
  assertEquals([error.status, error.message], [
    431,
    "the variables have 4097 bytes, but buffer-size is 4096",
  ]);
});

Deno.test("what is no request is refused, HTTP by name", () => {
  const header = (text: string) => new TextEncoder().encode(text).subarray(0, 4);
  assertThrows(() => variablesSize(header("GET / HTTP/1.1"), 4096), Refusal, "looks like HTTP");
  for (const modifier of [1, 22, 100, 173, 255]) {
    const text = `modifier1 is ${modifier}, but only requests (0) are served`;
    assertThrows(() => variablesSize(packet(new Uint8Array(0), modifier), 4096), Refusal, text);
  }
});
