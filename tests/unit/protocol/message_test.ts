/** The words on the control pipe. */
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  decodeMasterMessage,
  decodeWorkerMessage,
  type MasterMessage,
  MAX_MULE_MESSAGE_BYTES,
  ProtocolError,
  type WorkerMessage,
} from "../../../lib/protocol/message.ts";
import { masterMessages, workerMessages } from "../../helpers/messages.ts";

/** One valid message of every type: a missing type does not compile. */
const WORKER_SAYS: { readonly [T in WorkerMessage["type"]]: Extract<WorkerMessage, { type: T }> } =
  {
    hello: { type: "hello", protocol: 1, token: "t", pid: 42, adopts: true },
    accepting: { type: "accepting", on: true, covers: false },
    heartbeat: { type: "heartbeat", lagMs: 0 },
    unserved: { type: "unserved", address: "127.0.0.1:80" },
    watch: { type: "watch" },
    draining: { type: "draining", connections: 3 },
    waiting: { type: "waiting", requests: 1, idle: 2, lasting: 3, leftMs: 1_500.5 },
    reload: { type: "reload" },
    stop: { type: "stop" },
    "mule-message": { type: "mule-message", text: "ä", mule: 0 },
    "mule-ask": { type: "mule-ask" },
  };

const MASTER_SAYS: { readonly [T in MasterMessage["type"]]: Extract<MasterMessage, { type: T }> } =
  {
    retire: { type: "retire", reason: "scaled-down", mercyMs: 60_000, closing: [] },
    standBy: { type: "standBy", drain: true, keep: ["@a"] },
    recall: { type: "recall" },
    cover: { type: "cover", slots: [2, 3] },
    "reopen-log": { type: "reopen-log", path: "/var/log/app.log", inode: 7 },
    "mule-message": { type: "mule-message", text: "ä" },
  };

const SIDES: readonly [
  says: Readonly<Record<string, object>>,
  decode: (text: string) => WorkerMessage | MasterMessage | null,
][] = [[WORKER_SAYS, decodeWorkerMessage], [MASTER_SAYS, decodeMasterMessage]];

Deno.test("decodeWorkerMessage() and decodeMasterMessage() give back every message they know", () => {
  for (const [says, decode] of SIDES) {
    for (const message of Object.values(says)) {
      assertEquals(decode(JSON.stringify(message)), message);
    }
  }
});

Deno.test("decodeWorkerMessage() gives back whatever a worker can say", () => {
  fc.assert(fc.property(workerMessages, (message) => {
    assertEquals(decodeWorkerMessage(JSON.stringify(message)), message);
  }));
});

Deno.test("decodeMasterMessage() gives back whatever a master can say", () => {
  fc.assert(fc.property(masterMessages, (message) => {
    assertEquals(decodeMasterMessage(JSON.stringify(message)), message);
  }));
});

Deno.test("decodeWorkerMessage() and decodeMasterMessage() skip a message, when its type is unknown", () => {
  for (const type of ["newer", "", "__proto__", "constructor", "toString", "hasOwnProperty"]) {
    for (const [, decode] of SIDES) {
      assertEquals(decode(JSON.stringify({ type, x: 1 })), null, type);
    }
  }
  assertEquals(decodeWorkerMessage(JSON.stringify(MASTER_SAYS.cover)), null);
  assertEquals(decodeMasterMessage(JSON.stringify(WORKER_SAYS.stop)), null);
});

Deno.test("decodeWorkerMessage() and decodeMasterMessage() keep a message, when it has more fields than they know", () => {
  assertEquals(decodeWorkerMessage('{"type":"heartbeat","lagMs":1,"newer":2}')?.type, "heartbeat");
});

Deno.test("decodeWorkerMessage() and decodeMasterMessage() throw, when a field is missing or of the wrong kind", () => {
  for (const [says, decode] of SIDES) {
    for (const [type, message] of Object.entries(says)) {
      const fields = Object.keys(message).filter((field) => field !== "type");
      for (const field of fields) {
        for (const wrong of [undefined, null, { a: [] }, [["x"]], "wrong", 1, -1, true]) {
          const right: unknown = Reflect.get(message, field);
          if (isSameKind(wrong, right) || (wrong === null && NULLABLE.includes(field))) continue;
          const text = JSON.stringify({ ...message, [field]: wrong });
          const error = assertThrows(() => decode(text), ProtocolError, field);
          assertEquals((error as Error).message, `Message "${type}" has no valid "${field}"`);
        }
      }
    }
  }
});

/** Fields that may hold nothing. */
const NULLABLE = ["inode"];

/** True if a field that holds `right` may hold `value` as well. Lists and reasons say what is in them. */
function isSameKind(value: unknown, right: unknown): boolean {
  if (Array.isArray(value) || value === null || right === "scaled-down") return false;
  return typeof value === typeof right && !Array.isArray(right);
}

Deno.test("decodeMasterMessage() throws, when one of the slots to cover is no number", () => {
  for (const slots of ['["2"]', "[null]", "[[2]]", "[1e999]"]) {
    assertThrows(() => decodeMasterMessage(`{"type":"cover","slots":${slots}}`), ProtocolError);
  }
});

Deno.test("decodeWorkerMessage() throws, when a number is infinite", () => {
  assertThrows(() => decodeWorkerMessage('{"type":"heartbeat","lagMs":1e999}'), ProtocolError);
});

Deno.test("decodeWorkerMessage() throws, when an address is longer than one can be", () => {
  const say = (address: string) =>
    decodeWorkerMessage(`{"type":"unserved","address":"${address}"}`);
  assertEquals(say("a".repeat(300))?.type, "unserved");
  assertThrows(() => say("a".repeat(301)), ProtocolError);
});

Deno.test("decodeWorkerMessage() throws, when the text is no message at all", () => {
  const cases: readonly [text: string, message: string][] = [
    ["", "A message is not JSON"],
    [" ", "A message is not JSON"],
    ["{", "A message is not JSON"],
    ['{"type":"stop"}{"type":"stop"}', "A message is not JSON"],
    ["null", "A message is not an object"],
    ["[]", "A message is not an object"],
    ['"stop"', "A message is not an object"],
    ["7", "A message is not an object"],
    ["{}", "A message has no type"],
    ['{"type":1}', "A message has no type"],
    ['{"type":null}', "A message has no type"],
  ];
  for (const [text, message] of cases) {
    const error = assertThrows(() => decodeWorkerMessage(text), ProtocolError, undefined, text);
    assertEquals((error as Error).message, message);
  }
});

Deno.test("decodeWorkerMessage() and decodeMasterMessage() throw nothing but ProtocolError, whatever they read", () => {
  const garbage = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.json(),
    fc.record({ type: fc.constantFrom(...Object.keys({ ...WORKER_SAYS, ...MASTER_SAYS })) })
      .chain((message) =>
        fc.dictionary(fc.string(), fc.jsonValue()).map((o) => ({ ...o, ...message }))
      )
      .map((message) => JSON.stringify(message)),
  );
  fc.assert(
    fc.property(garbage, (text) => {
      for (const [, decode] of SIDES) {
        try {
          decode(text);
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
        }
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("decodeWorkerMessage() throws ProtocolError, when the text is nested very deeply", () => {
  assertThrows(() => decodeWorkerMessage("[".repeat(500_000)), ProtocolError);
  const nested = `{"type":"stop","x":${"[".repeat(5_000)}${"]".repeat(5_000)}}`;
  assertEquals(decodeWorkerMessage(nested)?.type, "stop");
});

Deno.test("decodeWorkerMessage() gives back only the fields it has checked", () => {
  const text = '{"type":"reload","why":{},"__proto__":{"x":1},"at":0}';
  assertEquals(decodeWorkerMessage(text), { type: "reload" });
});

Deno.test("decodeWorkerMessage() throws, when a count is none", () => {
  for (const wrong of ["-1", "0.5", "1e999", "9007199254740992", '"1"']) {
    for (
      const text of [
        `{"type":"mule-message","text":"x","mule":${wrong}}`,
        `{"type":"draining","connections":${wrong}}`,
        `{"type":"hello","protocol":1,"token":"t","pid":${wrong},"adopts":true}`,
      ]
    ) assertThrows(() => decodeWorkerMessage(text), ProtocolError, "has no valid", text);
  }
});

Deno.test("decodeWorkerMessage() throws, when a text for a mule has more bytes than it may, or a token", () => {
  const message = (text: string) => JSON.stringify({ type: "mule-message", text, mule: 1 });
  for (const [character, bytes] of [["x", 1], ["ä", 2], ["€", 3], ["\u{1f600}", 4]] as const) {
    const most = Math.floor(MAX_MULE_MESSAGE_BYTES / bytes);
    assertEquals(decodeWorkerMessage(message(character.repeat(most)))?.type, "mule-message");
    assertThrows(() => decodeWorkerMessage(message(character.repeat(most + 1))), ProtocolError);
  }
  const hello = { type: "hello", protocol: 1, token: "t".repeat(65), pid: 1, adopts: true };
  assertThrows(() => decodeWorkerMessage(JSON.stringify(hello)), ProtocolError);
});
