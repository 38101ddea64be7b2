/**
 * Fuzzes the master's end of a control pipe: bytes that are messages, or nearly, in pieces. Whatever
 * comes, only messages of the fixed set come out of it, with fields of the right kinds, or a
 * ProtocolError.
 *
 * @module
 */

import { assert } from "@std/assert";
import { Channel } from "../../../lib/protocol/channel.ts";
import {
  decodeWorkerMessage,
  ProtocolError,
  type WorkerMessage,
} from "../../../lib/protocol/message.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import { jsonLine } from "../json_line.ts";
import type { Random } from "../random.ts";
import { streamOf } from "../stream_of.ts";

const GOOD: readonly string[] = [
  '{"type":"hello","protocol":1,"token":"t","pid":4711,"adopts":true}',
  '{"type":"accepting","on":true,"covers":true}',
  '{"type":"heartbeat","lagMs":3}',
  '{"type":"watch"}',
  '{"type":"draining","connections":7}',
  '{"type":"reload"}',
  '{"type":"stop"}',
  '{"type":"mule-message","text":"x","mule":1}',
  '{"type":"mule-ask"}',
];

const TYPES: ReadonlySet<string> = new Set(
  GOOD.map((line) => (JSON.parse(line) as { type: string }).type),
);

/** Longest message of the pipe that is fuzzed: so short that too long ones are common. */
const LONGEST = 512;

export const target: FuzzTarget = {
  name: "control_pipe",
  async run(random: Random, rounds: number) {
    for (let round = 0; round < rounds; round++) {
      const lines = Array.from({ length: random.int(1, 5) }, () => jsonLine(random, GOOD));
      const stream = streamOf(random, lines);
      const channel = new Channel<WorkerMessage, never>(stream, decodeWorkerMessage, LONGEST);
      try {
        for await (const message of channel.receive()) assertGood(message);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    }
  },
};

function assertGood(message: WorkerMessage): void {
  assert(TYPES.has(message.type), message.type);
  for (const value of Object.values(message)) {
    assert(["string", "number", "boolean"].includes(typeof value), `${message.type}: ${value}`);
    assert(typeof value !== "number" || Number.isFinite(value), `${message.type}: ${value}`);
  }
}
