/** The control pipe: framing, limits, its end. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { type ByteStream, Channel } from "../../../lib/protocol/channel.ts";
import {
  decodeMasterMessage,
  decodeWorkerMessage,
  MAX_MESSAGE_BYTES,
  ProtocolError,
  type WorkerMessage,
} from "../../../lib/protocol/message.ts";
import { ByteFeed } from "../../helpers/byte_pipe.ts";
import { workerMessages } from "../../helpers/messages.ts";

const encoder = new TextEncoder();

function listen(stream: ByteStream): Channel<WorkerMessage, unknown> {
  return new Channel(stream, decodeWorkerMessage);
}

function feed(...texts: readonly string[]): ByteFeed {
  return new ByteFeed(texts.map((text) => encoder.encode(text)));
}

/** All messages that arrive until the end. */
function received(stream: ByteStream): Promise<WorkerMessage[]> {
  return Array.fromAsync(listen(stream).receive());
}

/** The error that ends the reception, and what arrived before. */
async function failure(stream: ByteStream): Promise<{ error: unknown; before: WorkerMessage[] }> {
  const before: WorkerMessage[] = [];
  const error: unknown = await assertRejects(async () => {
    for await (const message of listen(stream).receive()) before.push(message);
  });
  return { error, before };
}

Deno.test("receive() gives the messages of one chunk in order", async () => {
  assertEquals(await received(feed('{"type":"reload"}\n{"type":"stop"}\n')), [
    { type: "reload" },
    { type: "stop" },
  ]);
});

Deno.test("receive() gives the same messages, however the bytes are cut into chunks", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(workerMessages, { maxLength: 8 }),
    fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
    async (messages, sizes) => {
      const text = messages.map((message) => JSON.stringify(message) + "\n").join("");
      assertEquals(await received(new ByteFeed(cut(encoder.encode(text), sizes))), messages);
    },
  ));
});

/** Cuts bytes into chunks of the given sizes, over and over. */
function* cut(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

Deno.test("receive() puts characters together, when every byte comes alone", async () => {
  const token = "ä€😀\u0000\n\u2028";
  const hello = { type: "hello", protocol: 1, token, pid: 1, adopts: true } as const;
  const bytes = encoder.encode(JSON.stringify(hello) + "\n");
  assertEquals(await received(new ByteFeed(cut(bytes, [1]))), [hello]);
});

Deno.test("receive() skips messages of unknown types and goes on", async () => {
  assertEquals(await received(feed('{"type":"newer","x":1}\n', '{"type":"stop"}\n')), [
    { type: "stop" },
  ]);
});

Deno.test("receive() ends without a message, when the pipe ends in the middle of one", async () => {
  assertEquals(await received(feed('{"type":"reload"}\n{"type":"st')), [{ type: "reload" }]);
  assertEquals(await received(feed('{"type":"stop"}')), []);
  assertEquals(await received(feed()), []);
});

Deno.test("receive() ends, when reading fails", async () => {
  const stream = feed();
  stream.read = () => Promise.reject(new Deno.errors.ConnectionReset("Connection reset by peer"));
  assertEquals(await received(stream), []);
});

Deno.test("receive() throws ProtocolError, when the other end speaks nonsense, after what came before", async () => {
  for (const line of ["nonsense", "", "{}", '{"type":"heartbeat","lagMs":"x"}']) {
    const { error, before } = await failure(feed(`{"type":"stop"}\n${line}\n{"type":"stop"}\n`));
    assert(error instanceof ProtocolError, line);
    assertEquals(before, [{ type: "stop" }]);
  }
});

Deno.test("receive() throws nothing but ProtocolError, whatever bytes arrive", async () => {
  const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(chunks, async (chunks) => {
      try {
        await received(new ByteFeed(chunks));
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    }),
    { numRuns: 300 },
  );
});

/** A line of exactly `bytes` bytes, newline included. */
function lineOf(bytes: number, filler = "x"): string {
  const frame = '{"type":"stop","x":""}\n';
  return frame.replace(
    '""',
    `"${filler.repeat((bytes - frame.length) / encoder.encode(filler).length)}"`,
  );
}

Deno.test("receive() takes the longest message there may be", async () => {
  assertEquals((await received(feed(lineOf(MAX_MESSAGE_BYTES)))).length, 1);
});

Deno.test("receive() throws ProtocolError, when a message is one byte too long", async () => {
  const { error } = await failure(feed(lineOf(MAX_MESSAGE_BYTES + 1)));
  assert(error instanceof ProtocolError);
});

Deno.test("receive() counts bytes and not characters, when it limits a message", async () => {
  const line = lineOf(MAX_MESSAGE_BYTES + 22 + 3, "€");
  assert(encoder.encode(line).length > MAX_MESSAGE_BYTES && line.length < MAX_MESSAGE_BYTES);
  const { error } = await failure(feed(line));
  assert(error instanceof ProtocolError);
});

Deno.test("receive() stops reading soon after the limit, when a line never ends", async () => {
  const chunk = new Uint8Array(4096).fill(120);
  function* forever(): Generator<Uint8Array> {
    // Far more than the limit, and yet an end, in case nobody stops reading.
    for (let i = 0; i < 4096; i++) yield chunk;
  }
  const stream = new ByteFeed(forever());
  const { error } = await failure(stream);
  assert(error instanceof ProtocolError);
  assert(stream.taken <= MAX_MESSAGE_BYTES / chunk.length + 1, `${stream.taken} chunks`);
});

Deno.test("send() writes one line per message, in the order of the calls", async () => {
  const stream = feed();
  stream.writeLimit = 7;
  const channel = listen(stream);
  for (let i = 0; i < 50; i++) channel.send({ type: "cover", slots: [i] });
  await channel.flush();
  const slots = stream.text.trimEnd().split("\n").map((line) => {
    const message = decodeMasterMessage(line);
    return message?.type === "cover" ? message.slots[0] : null;
  });
  assertEquals(slots, Array.from({ length: 50 }, (_, i) => i));
});

Deno.test("send() throws ProtocolError and writes nothing, when the message is too long", async () => {
  const stream = feed();
  const channel = listen(stream);
  const fits = "x".repeat(MAX_MESSAGE_BYTES - '{"x":""}\n'.length);
  channel.send({ x: fits });
  assertThrows(() => channel.send({ x: fits + "x" }), ProtocolError);
  await channel.flush();
  assertEquals(stream.text.length, MAX_MESSAGE_BYTES);
});

Deno.test("send() does nothing, when the pipe is closed", async () => {
  const stream = feed();
  const channel = listen(stream);
  channel.close();
  channel.send({ type: "stop" });
  await channel.flush();
  assertEquals(stream.written, []);
});

Deno.test("send() drops the rest of a message, when the pipe is closed while it is written", async () => {
  const stream = feed();
  stream.writeLimit = 1;
  const channel = listen(stream);
  channel.send({ type: "stop" });
  await Promise.resolve();
  channel.close();
  await channel.flush();
  assert(stream.written.length < 3, stream.text);
});

Deno.test("send() fails silently, when the other end is gone: receive() tells of it", async () => {
  const stream = feed();
  stream.broken = true;
  const channel = listen(stream);
  channel.send({ type: "stop" });
  channel.send({ type: "stop" });
  await channel.flush();
  assertEquals(await Array.fromAsync(channel.receive()), []);
});

Deno.test("close() closes the stream once, when it is called twice", async () => {
  const stream = feed();
  const channel = listen(stream);
  channel.close();
  channel.close();
  await channel.flush();
  assert(stream.closed);
});

Deno.test("Channel carries messages both ways and ends, on a real socket that one end closes", async () => {
  const path = `\0duwsgi-test-${crypto.randomUUID()}`;
  using listener = Deno.listen({ transport: "unix", path });
  const [there, here] = await Promise.all([
    listener.accept(),
    Deno.connect({ transport: "unix", path }),
  ]);
  const worker = new Channel(here, decodeMasterMessage);
  const master = new Channel(there, decodeWorkerMessage);
  // Larger than what a socket takes at once.
  const slots = Array.from({ length: 150_000 }, (_, i) => i % 1000);
  master.send({ type: "cover", slots });
  worker.send({ type: "heartbeat", lagMs: 5 });
  const said = await worker.receive().next();
  const messages = master.receive();
  assertEquals((await messages.next()).value, { type: "heartbeat", lagMs: 5 });
  assertEquals(said.value?.type === "cover" && said.value.slots, slots);
  worker.close();
  assertEquals(await messages.next(), { value: undefined, done: true });
  master.close();
});

Deno.test("receive() ends, when its own end is closed while it waits", async () => {
  const path = `\0duwsgi-test-${crypto.randomUUID()}`;
  using listener = Deno.listen({ transport: "unix", path });
  const [there, here] = await Promise.all([
    listener.accept(),
    Deno.connect({ transport: "unix", path }),
  ]);
  const channel = new Channel(there, decodeWorkerMessage);
  const next = channel.receive().next();
  channel.close();
  assertEquals(await next, { value: undefined, done: true });
  here.close();
});

Deno.test("send() closes the pipe, when too much waits for another end that does not read", async () => {
  const stream = feed();
  const written = Promise.withResolvers<number>();
  written.promise.catch(() => {});
  stream.write = () => written.promise;
  const channel = new Channel(stream, decodeWorkerMessage, 1024, 100);
  const message = { type: "reopen-log", path: "x".repeat(40), inode: null };
  channel.send(message);
  assertEquals([channel.overflowed, stream.closed], [false, false]);
  channel.send(message);
  channel.send(message);
  assertEquals(channel.overflowed, true);
  written.reject(new Deno.errors.BadResource("closed"));
  await channel.flush();
  assert(stream.closed);
});

Deno.test("send() goes on for ever, when the other end reads", async () => {
  const stream = feed();
  const channel = new Channel(stream, decodeWorkerMessage, 1024, 100);
  for (let i = 0; i < 100; i++) {
    channel.send({ type: "reopen-log", path: "x".repeat(40), inode: null });
    await channel.flush();
    // What has been written is counted out right afterwards.
    await Promise.resolve();
  }
  assertEquals([channel.overflowed, stream.written.length], [false, 100]);
});
