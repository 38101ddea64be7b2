/**
 * The words on a control socket: what an operator asks, and what the master answers, one JSON object
 * per line each. Framing is that of the control pipe, `channel.ts`.
 *
 * @module
 */

import type { Verdict } from "../core/verdict.ts";
import { ProtocolError } from "../protocol/message.ts";

/** Longest request in bytes, its newline included. */
export const MAX_REQUEST_BYTES = 4096;

/** What an operator asks: `{"command":"reload","wait":true}`. */
export interface Request {
  /** Name of a command, see `commands.ts`. */
  readonly command: string;
  /** Its argument; null: none. */
  readonly argument: string | null;
  /** Answer again when it is decided what came of it. */
  readonly wait: boolean;
}

/** What the master answers. */
export type CommandAnswer =
  /**
   * It is on its way; with `wait`, a `verdict` follows. `pid` is the master's, `generation` the one that
   * is respawned now.
   */
  | {
    readonly type: "accepted";
    readonly text: string;
    readonly pid: number;
    readonly generation: number;
  }
  /** Here it is: as text for people, as value for machines. */
  | { readonly type: "result"; readonly text: string; readonly value: unknown }
  /** What came of it. `stops`: the master ends with it. */
  | { readonly type: "verdict"; readonly verdict: Verdict; readonly stops: boolean }
  /** It could not even be asked for. */
  | { readonly type: "error"; readonly text: string };

/**
 * Reads a request; fields that are not known are skipped.
 *
 * @throws {ProtocolError} If it is none.
 */
export function decodeRequest(text: string): Request {
  const { command, argument = null, wait = false } = parseObject(text);
  if (typeof command !== "string") throw new ProtocolError('A request needs a text as "command"');
  if (argument !== null && typeof argument !== "string") {
    throw new ProtocolError('The "argument" of a request is a text');
  }
  if (typeof wait !== "boolean") throw new ProtocolError('"wait" is true or false');
  return { command, argument, wait };
}

/**
 * Reads an answer; null for a kind this version does not know, which is skipped.
 *
 * @throws {ProtocolError} If it is none.
 */
export function decodeAnswer(text: string): CommandAnswer | null {
  const answer = parseObject(text);
  switch (answer.type) {
    case "accepted":
    case "error":
    case "result":
      if (typeof answer.text !== "string") throw new ProtocolError("An answer has no text");
      if (answer.type === "accepted" && !isPlace(answer)) {
        throw new ProtocolError("An answer has no pid or generation");
      }
      return answer as unknown as CommandAnswer;
    case "verdict":
      if (!isVerdict(answer.verdict)) throw new ProtocolError("An answer has no valid verdict");
      return answer as unknown as CommandAnswer;
    default:
      return null;
  }
}

function isPlace({ pid, generation }: Readonly<Record<string, unknown>>): boolean {
  return typeof pid === "number" && typeof generation === "number";
}

const OUTCOMES: readonly unknown[] = ["done", "rolled-back", "failed", "cancelled"];

function isVerdict(value: unknown): value is Verdict {
  if (typeof value !== "object" || value === null) return false;
  const { outcome, text, slots, failures } = value as Partial<Record<keyof Verdict, unknown>>;
  return OUTCOMES.includes(outcome) && typeof text === "string" && Array.isArray(slots) &&
    Array.isArray(failures);
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ProtocolError("A line is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ProtocolError("A line is not a JSON object");
  }
  return value as Readonly<Record<string, unknown>>;
}
