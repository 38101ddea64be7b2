/** How event streams end when their worker leaves. */
import { assertEquals } from "@std/assert";
import {
  endBody,
  endEventStreams,
  EventStreams,
  isEventStream,
} from "../../../../lib/worker/connections/event_streams.ts";
import { keepAlive } from "../../../helpers/keep_alive.ts";

Deno.test("the type of an event stream is known whatever is written behind it", () => {
  const types = ["text/event-stream", "Text/Event-Stream; charset=utf-8", " text/event-stream"];
  assertEquals(types.map(isEventStream), [true, true, true]);
  const others = ["text/html", "application/text/event-stream", "", null, undefined];
  assertEquals(others.map(isEventStream), [false, false, false, false, false]);
});

Deno.test("those that are sent end at once, those that are over do not, and later ones at their begin", async () => {
  using _alive = keepAlive();
  const streams = new EventStreams();
  const ended: string[] = [];
  streams.add(() => ended.push("first"));
  streams.add(() => ended.push("over"))();
  assertEquals(endEventStreams([{ endEventStreams: () => streams.end() }, {}]), 1);
  assertEquals(ended, ["first"]);
  await new Promise<void>((resolve) => streams.add(resolve));
  assertEquals(streams.end(), 0);
});

Deno.test("a body ends for who reads it, and the script is told as if the client had gone", async () => {
  for (const read of [true, false]) {
    const cancelled = Promise.withResolvers<unknown>();
    const body = new ReadableStream({ cancel: cancelled.resolve });
    const reading = read ? body.getReader().read() : null;
    endBody(body);
    assertEquals(await cancelled.promise, "The worker leaves, and has ended this event stream");
    if (reading !== null) assertEquals((await reading).done, true);
  }
});
