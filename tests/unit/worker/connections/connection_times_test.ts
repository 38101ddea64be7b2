/** Which connections have taken too long. */
import { assertEquals } from "@std/assert";
import {
  areTimed,
  checkConnection,
  idleFor,
  type Look,
  type PendingHead,
  type Traffic,
} from "../../../../lib/worker/connections/connection_times.ts";

const LIMITS = { maxConnections: 0, headersMs: 1_000, bodyMs: 2_000, keepaliveMs: 3_000 };
const NEVER = { maxConnections: 0, headersMs: 0, bodyMs: 0, keepaliveMs: 0 };

/** A connection whose last request was answered long ago. */
const ANSWERED: Traffic = {
  receivedMs: 9_000,
  sentMs: 8_000,
  received: 100,
  acknowledged: 200,
  isSending: false,
};

function look(more: Partial<Look> = {}, traffic: Partial<Traffic> = {}): Look {
  return {
    at: 10_000,
    activity: "free",
    isHttp2: false,
    isHandshaking: false,
    ...more,
    traffic: { ...ANSWERED, ...traffic },
  };
}

const since = (at: number, acknowledged = 200): PendingHead => ({ since: at, acknowledged });

Deno.test("a head may take its time from the first look that sees it", () => {
  const head = { receivedMs: 10, sentMs: 500 };
  assertEquals(checkConnection(LIMITS, look({}, head), null), {
    pending: since(10_000),
    exceeded: null,
  });
  assertEquals(checkConnection(LIMITS, look({}, head), since(9_001)).exceeded, null);
  assertEquals(checkConnection(LIMITS, look({}, head), since(9_000)).exceeded, "headers");
  assertEquals(checkConnection(NEVER, look({}, head), since(0)).exceeded, null);
});

Deno.test("a response begins the time of the next head", () => {
  const head = { receivedMs: 10, sentMs: 500 };
  assertEquals(checkConnection(LIMITS, look({}, head), since(0, 100)), {
    pending: since(10_000),
    exceeded: null,
  });
});

Deno.test("who never speaks, never gets an answer or never ends its handshake has a head to send", () => {
  const silent = { received: 0, acknowledged: 0 };
  assertEquals(checkConnection(LIMITS, look({}, silent), since(0, 0)).exceeded, "headers");
  const unanswered = { acknowledged: 0, receivedMs: 5, sentMs: 5 };
  assertEquals(checkConnection(LIMITS, look({}, unanswered), since(0, 0)).exceeded, "headers");
  assertEquals(
    checkConnection(LIMITS, look({ isHandshaking: true }), since(0)).exceeded,
    "headers",
  );
});

Deno.test("clients of HTTP/2 may say what is no request", () => {
  const ping = { receivedMs: 10, sentMs: 500 };
  assertEquals(checkConnection(LIMITS, look({ isHttp2: true }, ping), since(0)), {
    pending: null,
    exceeded: null,
  });
});

Deno.test("a body may take as long as something comes", () => {
  const reading = { activity: "reading" as const };
  assertEquals(checkConnection(LIMITS, look(reading, { receivedMs: 1_999 }), null).exceeded, null);
  assertEquals(
    checkConnection(LIMITS, look(reading, { receivedMs: 2_000 }), null).exceeded,
    "body",
  );
  assertEquals(checkConnection(NEVER, look(reading), null).exceeded, null);
});

Deno.test("a connection is idle from the last byte on, whoever sent it", () => {
  assertEquals(checkConnection(LIMITS, look(), null).exceeded, "keepalive");
  assertEquals(checkConnection(LIMITS, look({}, { sentMs: 2_999 }), null).exceeded, null);
  assertEquals(checkConnection({ ...LIMITS, keepaliveMs: 0 }, look(), null).exceeded, null);
});

Deno.test("what is answered or being sent has no limit", () => {
  assertEquals(checkConnection(LIMITS, look({ activity: "busy" }), since(0)), {
    pending: null,
    exceeded: null,
  });
  assertEquals(checkConnection(LIMITS, look({}, { isSending: true }), since(0)).exceeded, null);
});

Deno.test("nobody looks where no time is limited", () => {
  assertEquals(areTimed(NEVER), false);
  assertEquals(areTimed({ ...NEVER, bodyMs: 1 }), true);
});

Deno.test("a connection is idle when nothing is at work and nothing has begun to come", () => {
  assertEquals(idleFor(look()), 8_000);
  assertEquals(idleFor(look({}, { receivedMs: 3_000, sentMs: 3_000 })), 3_000);
  const silent = { received: 0, acknowledged: 1, receivedMs: 500, sentMs: 500 };
  assertEquals(idleFor(look({}, silent)), 500);
  for (const activity of ["reading", "busy", "lasting"] as const) {
    assertEquals(idleFor(look({ activity })), null);
  }
  assertEquals(idleFor(look({}, { isSending: true })), null);
  // The begin of a head, behind a response and as the first of all.
  assertEquals(idleFor(look({}, { receivedMs: 10, sentMs: 500 })), null);
  assertEquals(idleFor(look({}, { acknowledged: 1, receivedMs: 5, sentMs: 5 })), null);
});

Deno.test("what lasts has no limits", () => {
  assertEquals(checkConnection(LIMITS, look({ activity: "lasting" }), null).exceeded, null);
});
