/** When clients of HTTP/2 can be told to go. */
import { assertEquals } from "@std/assert";
import { Http2Streams } from "../../../../lib/worker/connections/http2_streams.ts";
import { keepAlive } from "../../../helpers/keep_alive.ts";

/** Resolves when it is called. */
function awaited(streams: Http2Streams): Promise<void> {
  return new Promise((resolve) => streams.whenNone(resolve));
}

Deno.test("clients are told when the last of their streams has ended, also by an error", async () => {
  using _alive = keepAlive();
  const streams = new Http2Streams();
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  streams.begin("a 1", first.promise);
  streams.begin("a 1", second.promise);
  let none = false;
  const told = awaited(streams).then(() => none = true);
  first.resolve();
  // Longer than the end of a response takes to be written.
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(none, false);
  second.reject(new Error("the client has gone"));
  await told;
});

Deno.test("a stream that begins while the last response is written counts, and who asks last is told", async () => {
  using _alive = keepAlive();
  const streams = new Http2Streams();
  const said: string[] = [];
  streams.whenNone(() => said.push("first"));
  const { promise, resolve } = Promise.withResolvers<void>();
  streams.begin("a 1", promise);
  await new Promise((done) => setTimeout(done, 20));
  assertEquals(said, []);
  streams.respond(1_000_000);
  const told = new Promise<void>((done) =>
    streams.whenNone(() => {
      said.push("second");
      done();
    })
  );
  resolve();
  await told;
  assertEquals(said, ["second"]);
});

Deno.test("it is known who has begun a stream, but for clients without a name", () => {
  const streams = new Http2Streams();
  streams.begin("a 1", Promise.resolve());
  streams.begin("", Promise.resolve());
  assertEquals(["a 1", "a 2", ""].map((client) => streams.has(client)), [true, false, false]);
});
