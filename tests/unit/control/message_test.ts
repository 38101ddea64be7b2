/** The words on a control socket. */
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { decodeAnswer, decodeRequest } from "../../../lib/control/message.ts";
import { ProtocolError } from "../../../lib/protocol/message.ts";

Deno.test("decodeRequest() fills in what is left out, and skips what it does not know", () => {
  assertEquals(decodeRequest('{"command":"stop"}'), {
    command: "stop",
    argument: null,
    wait: false,
  });
  assertEquals(
    decodeRequest('{"command":"scale","argument":"3","wait":true,"colour":"red"}'),
    { command: "scale", argument: "3", wait: true },
  );
});

Deno.test("decodeRequest() refuses everything else", () => {
  const wrong = [
    "",
    "stop",
    "[]",
    "null",
    "7",
    "{}",
    '{"command":7}',
    '{"command":"scale","argument":3}',
    '{"command":"stop","wait":"yes"}',
    '{"command":"stop"',
  ];
  for (const text of wrong) assertThrows(() => decodeRequest(text), ProtocolError, "", text);
});

Deno.test("decodeRequest() gives a request or a ProtocolError for any text", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
    try {
      assertEquals(typeof decodeRequest(text).command, "string");
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }));
});

const verdict = {
  outcome: "done",
  generation: 2,
  tookMs: 3,
  slots: [],
  failures: [],
  text: "Reload done",
};

Deno.test("decodeAnswer() reads what the master says, and skips what it does not know", () => {
  const answers = [
    { type: "accepted", text: "a", pid: 1, generation: 2 },
    { type: "result", text: "a", value: { any: "thing" } },
    { type: "error", text: "a" },
    { type: "verdict", verdict, stops: false },
  ];
  for (const answer of answers) {
    assertEquals<unknown>(decodeAnswer(JSON.stringify(answer)), answer);
  }
  assertEquals(decodeAnswer('{"type":"progress","done":3}'), null);
});

Deno.test("decodeAnswer() refuses answers that are broken", () => {
  const wrong: unknown[] = [
    { type: "error" },
    { type: "accepted", text: "a" },
    { type: "accepted", text: "a", pid: 1 },
    { type: "verdict" },
    { type: "verdict", verdict: { ...verdict, outcome: "perhaps" } },
    { type: "verdict", verdict: { ...verdict, slots: null } },
  ];
  for (const answer of wrong) {
    assertThrows(() => decodeAnswer(JSON.stringify(answer)), ProtocolError);
  }
});
