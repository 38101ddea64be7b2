/**
 * Which connections have taken too long for what they are doing. Pure.
 *
 * @module
 */

import type { ClientLimits } from "../../protocol/client_limits.ts";

/**
 * What requests say of their connection: `free`: none is at work; `reading`: the script waits for the body
 * of one; `busy`: it is answered or being answered; `lasting`: it has become a WebSocket, or is sent an event
 * stream.
 */
export type Activity = "free" | "reading" | "busy" | "lasting";

/** What the kernel says of a connection (tcp(7), TCP_INFO). */
export interface Traffic {
  /** Milliseconds since the last byte came. */
  readonly receivedMs: number;
  /** Milliseconds since the last byte was sent. */
  readonly sentMs: number;
  /** Bytes that have come. */
  readonly received: number;
  /** Bytes that have reached the client. */
  readonly acknowledged: number;
  /** True if something is on its way to the client. */
  readonly isSending: boolean;
}

/** Where it is in `struct tcp_info`. */
const AT = { unacked: 24, sentMs: 44, receivedMs: 52, acked: 120, received: 128, unsent: 144 };

/** Reads a `struct tcp_info`. */
export function trafficOf(info: DataView): Traffic {
  const bytes = (at: number) => Number(info.getBigUint64(at, true));
  return {
    receivedMs: info.getUint32(AT.receivedMs, true),
    sentMs: info.getUint32(AT.sentMs, true),
    received: bytes(AT.received),
    acknowledged: bytes(AT.acked),
    isSending: info.getUint32(AT.unacked, true) > 0 || info.getUint32(AT.unsent, true) > 0,
  };
}

/** The times that connections have. */
export type ClientTimes = Pick<ClientLimits, "headersMs" | "bodyMs" | "keepaliveMs">;

/** A connection at one look. */
export interface Look {
  /** When this is (monotonic ms). */
  readonly at: number;
  readonly activity: Activity;
  readonly traffic: Traffic;
  /** It speaks HTTP/2, whose clients also send what is no request. */
  readonly isHttp2: boolean;
  /** It has TLS and no request yet: what was sent to it is the handshake. */
  readonly isHandshaking: boolean;
}

/** A request whose head is not complete, as noted at the first look that saw it. */
export interface PendingHead {
  readonly since: number;
  /** Bytes that had reached the client then: a response is the end of the head. */
  readonly acknowledged: number;
}

/** Which limit a connection has exceeded. */
export type Exceeded = "headers" | "body" | "keepalive";

/** What a look comes to. */
export interface ConnectionVerdict {
  /** What to remember until the next look; null: nothing. */
  readonly pending: PendingHead | null;
  /** Null: the connection stays. */
  readonly exceeded: Exceeded | null;
}

const STAYS: ConnectionVerdict = { pending: null, exceeded: null };

/** Judges a connection; `before` is what the last look left of it. */
export function checkConnection(
  limits: ClientTimes,
  look: Look,
  before: PendingHead | null,
): ConnectionVerdict {
  const { activity, traffic } = look;
  if (activity === "busy" || activity === "lasting" || traffic.isSending) return STAYS;
  if (activity === "reading") return judgeBody(limits, traffic);
  return isHeadPending(look) ? judgeHead(limits, look, before) : judgeIdle(limits, traffic);
}

/** Some kernels count the answer to the begin of the connection as a byte. */
const SYN = 1;

/** True if the client has begun to speak, or never spoke, and has no answer. */
function isHeadPending({ traffic, isHttp2, isHandshaking }: Look): boolean {
  if (traffic.received === 0 || traffic.acknowledged <= SYN || isHandshaking) return true;
  return !isHttp2 && traffic.receivedMs < traffic.sentMs;
}

function judgeHead(
  { headersMs }: ClientTimes,
  { at, traffic: { acknowledged } }: Look,
  before: PendingHead | null,
): ConnectionVerdict {
  const pending = before?.acknowledged === acknowledged ? before : { since: at, acknowledged };
  const isOver = headersMs > 0 && at - pending.since >= headersMs;
  return isOver ? { pending: null, exceeded: "headers" } : { pending, exceeded: null };
}

function judgeBody({ bodyMs }: ClientTimes, { receivedMs }: Traffic): ConnectionVerdict {
  const isOver = bodyMs > 0 && receivedMs >= bodyMs;
  return isOver ? { pending: null, exceeded: "body" } : STAYS;
}

function judgeIdle(
  { keepaliveMs }: ClientTimes,
  { receivedMs, sentMs }: Traffic,
): ConnectionVerdict {
  const isOver = keepaliveMs > 0 && Math.min(receivedMs, sentMs) >= keepaliveMs;
  return isOver ? { pending: null, exceeded: "keepalive" } : STAYS;
}

/** True if one of the times is limited. */
export function areTimed({ headersMs, bodyMs, keepaliveMs }: ClientTimes): boolean {
  return headersMs > 0 || bodyMs > 0 || keepaliveMs > 0;
}

/** How long a connection has been idle (ms); null: it is not, because something is at work or has begun to come. */
export function idleFor({ activity, traffic }: Pick<Look, "activity" | "traffic">): number | null {
  const { received, acknowledged, receivedMs, sentMs, isSending } = traffic;
  if (activity !== "free" || isSending) return null;
  const isBegun = received > 0 && (acknowledged <= SYN || receivedMs < sentMs);
  return isBegun ? null : Math.min(receivedMs, sentMs);
}
