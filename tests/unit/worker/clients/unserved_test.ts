/** Sockets that clients wait at in vain. */
import { assertEquals } from "@std/assert";
import { type Sight, UnservedSockets } from "../../../../lib/worker/clients/unserved.ts";

const OWN = { address: "127.0.0.1:80", fd: 7, used: true };
const LIMIT_MS = 10_000;

/** A worker whose socket has clients in its queue and no server. */
function sightOf(part: Partial<Sight> = {}): Sight {
  return {
    at: 0,
    mayAccept: () => true,
    isWaiting: () => true,
    isServed: () => false,
    isIdle: () => false,
    ...part,
  };
}

/** Looks once a second, and returns the time in ms of the first look that found a socket overdue. */
function overdueAt(sightAt: (at: number) => Partial<Sight>, own = OWN): number | null {
  const unserved = new UnservedSockets(LIMIT_MS);
  for (let at = 0; at <= 60_000; at += 1_000) {
    if (unserved.look([own], sightOf({ ...sightAt(at), at })) !== null) return at;
  }
  return null;
}

Deno.test("a socket is overdue, when clients wait for the limit and nothing listens", () => {
  assertEquals(overdueAt(() => ({})), LIMIT_MS);
  assertEquals(new UnservedSockets(0).look([OWN], sightOf()), OWN.address);
});

Deno.test("a socket with a server is overdue only in a worker that has no client at all", () => {
  assertEquals(overdueAt(() => ({ isServed: () => true })), null);
  assertEquals(overdueAt(() => ({ isServed: () => true, isIdle: () => true })), LIMIT_MS);
});

Deno.test("a socket is not overdue, when nobody waits, or somebody was accepted in between", () => {
  assertEquals(overdueAt(() => ({ isWaiting: () => false })), null);
  assertEquals(overdueAt((at) => ({ isWaiting: () => at % 9_000 !== 0 })), null);
});

Deno.test("a socket is not overdue, when the worker is not to accept, or has no descriptors", () => {
  assertEquals(overdueAt(() => ({ mayAccept: () => false })), null);
  assertEquals(overdueAt((at) => ({ mayAccept: () => at % 9_000 !== 0 })), null);
});

Deno.test("a socket is not overdue, when the script never had anything on it, or it is not inherited", () => {
  assertEquals(overdueAt(() => ({}), { ...OWN, used: false }), null);
  assertEquals(overdueAt(() => ({}), { ...OWN, fd: -1 }), null);
});

Deno.test("a socket that the script serves by itself counts, once a server was seen on it", () => {
  const own = { ...OWN, used: false };
  assertEquals(overdueAt((at) => ({ isServed: () => at < 3_000 }), own), 3_000 + LIMIT_MS);
  assertEquals(overdueAt(() => ({ isServed: () => true, isIdle: () => true }), own), LIMIT_MS);
});

Deno.test("a socket is told again each time the limit has passed", () => {
  const unserved = new UnservedSockets(LIMIT_MS);
  const told: number[] = [];
  for (let at = 0; at <= 25_000; at += 1_000) {
    if (unserved.look([OWN], sightOf({ at })) !== null) told.push(at);
  }
  assertEquals(told, [LIMIT_MS, 2 * LIMIT_MS]);
});

Deno.test("time in which the worker stood still does not count", () => {
  const unserved = new UnservedSockets(LIMIT_MS);
  unserved.look([OWN], sightOf({ at: 0 }));
  assertEquals(unserved.look([OWN], sightOf({ at: 300_000 })), null);
  assertEquals(unserved.look([OWN], sightOf({ at: 301_000 })), null);
});

Deno.test("who nobody waits for costs one question", () => {
  const fail = () => {
    throw new Error("not to be asked");
  };
  const sight = sightOf({
    isWaiting: () => false,
    isServed: fail,
    isIdle: fail,
    mayAccept: fail,
  });
  assertEquals(new UnservedSockets(0).look([OWN], sight), null);
});
