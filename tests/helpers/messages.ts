/**
 * Arbitrary messages of the control pipe, for property tests.
 *
 * @module
 */
import fc from "fast-check";
import type { MasterMessage, WorkerMessage } from "../../lib/protocol/message.ts";

const text = fc.string({ unit: "binary" });
const count = fc.maxSafeNat();
/** JSON has no negative zero. */
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);

/** Anything a worker may say. */
export const workerMessages: fc.Arbitrary<WorkerMessage> = fc.oneof(
  fc.record({
    type: fc.constant("hello" as const),
    protocol: count,
    token: fc.uuid(),
    pid: count,
    adopts: fc.boolean(),
  }),
  fc.record({ type: fc.constant("accepting" as const), on: fc.boolean(), covers: fc.boolean() }),
  fc.record({ type: fc.constant("heartbeat" as const), lagMs: number }),
  fc.record({ type: fc.constant("unserved" as const), address: fc.string({ maxLength: 300 }) }),
  fc.record({ type: fc.constant("draining" as const), connections: count }),
  fc.record({ type: fc.constant("reload" as const) }),
  fc.record({ type: fc.constant("stop" as const) }),
  fc.record({ type: fc.constant("mule-message" as const), text, mule: count }),
  fc.record({ type: fc.constant("mule-ask" as const) }),
);

/** Anything a master may say. */
export const masterMessages: fc.Arbitrary<MasterMessage> = fc.oneof(
  fc.record({
    type: fc.constant("retire" as const),
    reason: fc.constantFrom("reload" as const, "stop" as const, "scaled-down" as const),
    mercyMs: number,
    closing: fc.array(text),
  }),
  fc.record({ type: fc.constant("standBy" as const), drain: fc.boolean(), keep: fc.array(text) }),
  fc.record({ type: fc.constant("recall" as const) }),
  fc.record({ type: fc.constant("cover" as const), slots: fc.array(number) }),
  fc.record({
    type: fc.constant("reopen-log" as const),
    path: text,
    inode: fc.option(fc.nat(), { nil: null }),
  }),
  fc.record({ type: fc.constant("mule-message" as const), text }),
);
