/**
 * Fuzzes what operators ask on a control socket, and what `ctl` reads of a master's answers: whatever
 * comes, only a request with its three fields comes out, or an answer of a known kind, or a
 * ProtocolError.
 *
 * @module
 */

import { assert } from "@std/assert";
import { findCommand } from "../../../lib/control/commands.ts";
import {
  type CommandAnswer,
  decodeAnswer,
  decodeRequest,
  MAX_REQUEST_BYTES,
  type Request,
} from "../../../lib/control/message.ts";
import { Channel } from "../../../lib/protocol/channel.ts";
import { ProtocolError } from "../../../lib/protocol/message.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import { jsonLine } from "../json_line.ts";
import type { Random } from "../random.ts";
import { streamOf } from "../stream_of.ts";

const REQUESTS: readonly string[] = [
  '{"command":"reload","argument":null,"wait":true}',
  '{"command":"status"}',
  '{"command":"scale","argument":"3"}',
];

const ANSWERS: readonly string[] = [
  '{"type":"accepted","text":"ok","pid":1,"generation":2}',
  '{"type":"result","text":"x","value":{"a":[1]}}',
  '{"type":"verdict","verdict":{"outcome":"done","text":"x","slots":[],"failures":[]},"stops":false}',
  '{"type":"error","text":"no"}',
];

const ANSWER_TYPES = ["accepted", "result", "verdict", "error"];

export const target: FuzzTarget = {
  name: "operator_socket",
  async run(random: Random, rounds: number) {
    for (let round = 0; round < rounds; round++) {
      if (random.chance(0.5)) {
        await receiveAll(random, REQUESTS, decodeRequest, assertRequest);
      } else await receiveAll(random, ANSWERS, decodeAnswer, assertAnswer);
    }
  },
};

async function receiveAll<T>(
  random: Random,
  good: readonly string[],
  decode: (text: string) => T | null,
  check: (message: T) => void,
): Promise<void> {
  const lines = Array.from({ length: random.int(1, 5) }, () => jsonLine(random, good));
  const channel = new Channel<T, never>(streamOf(random, lines), decode, MAX_REQUEST_BYTES);
  try {
    for await (const message of channel.receive()) check(message);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
}

function assertRequest({ command, argument, wait }: Request): void {
  assert(typeof command === "string");
  assert(argument === null || typeof argument === "string");
  assert(typeof wait === "boolean");
  const found = findCommand(command);
  assert(found === undefined || found.name === command, command);
}

function assertAnswer(answer: CommandAnswer): void {
  assert(ANSWER_TYPES.includes(answer.type), answer.type);
  if (answer.type === "verdict") assert(typeof answer.verdict.text === "string");
  else assert(typeof answer.text === "string");
}
