/** Messages over TCP to whoever is there, or is not. */
import { assert, assertEquals } from "@std/assert";
import { requireLibc } from "../../../../lib/system/libc.ts";
import { StreamSender } from "../../../../lib/system/sockets/stream_outlet.ts";

const c = requireLibc();
const MESSAGE = new TextEncoder().encode("message\n");

Deno.test("StreamOutlet drops what nobody takes, without waiting, and counts it", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  let dropped = 0;
  const outlet = new StreamSender(
    c,
    { kind: "inet", host: "127.0.0.1", port },
    (messages) => dropped += messages,
  );
  let refused = 0;
  for (let i = 0; i < 10; i++) {
    if (!outlet.send(MESSAGE)) refused++;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assertEquals(refused + dropped, 10);
  outlet.close();
});

Deno.test("StreamOutlet keeps messages whole for a slow reader, and refuses what is too much", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const outlet = new StreamSender(c, { kind: "inet", host: "127.0.0.1", port }, () => {});
  const big = new TextEncoder().encode("x".repeat(99_999) + "\n");
  let taken = 0;
  while (outlet.send(big)) taken++;
  const connection = await listener.accept();
  let bytes = 0;
  const buffer = new Uint8Array(1 << 20);
  while (bytes < taken * big.length) {
    bytes += await connection.read(buffer) ?? 0;
    // Each further message pushes what waits.
    if (bytes < taken * big.length && outlet.send(big)) taken++;
    if (taken > 200) break;
  }
  assert(taken > 2);
  outlet.close();
  connection.close();
  listener.close();
});
