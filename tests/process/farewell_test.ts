/** How workers that leave take leave of their clients. */
import { assert, assertEquals } from "@std/assert";
import { readyMaster } from "../helpers/running_master.ts";

Deno.test("the last response of a worker arrives whole, however slowly its client reads", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
worker-reload-mercy = 8
chain-reload-verify = 0
touch-chain-reload = reload
deno-worker-override = app.ts`,
    files: {
      "app.ts": `import uwsgi from "uwsgi";
const big = new Uint8Array(16_000_000);
uwsgi.serve((request) => new Response(request.url.endsWith("/big") ? big : "small"));`,
    },
  });
  await using running = master;
  const [hostname = "", port] = (addresses[0] ?? "").split(":");
  using client = await Deno.connect({ hostname, port: Number(port) });
  const buffer = new Uint8Array(65_536);
  const ask = (path: string) =>
    client.write(new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`));
  const small = async () => {
    await ask("/small");
    assert((await client.read(buffer) ?? 0) > 0);
  };
  await small();
  running.touch("reload");
  await running.waitFor("reloadFinished");
  // The first response of a leaving worker never closes; the second one, somewhat later, does.
  await small();
  await new Promise((resolve) => setTimeout(resolve, 50));
  await ask("/big");
  // Nothing is read while the worker looks for connections to end, many times.
  await new Promise((resolve) => setTimeout(resolve, 500));
  let length = 0;
  for (let n = await client.read(buffer); n !== null; n = await client.read(buffer)) length += n;
  assert(length > 16_000_000, `only ${length} bytes`);
});

Deno.test("HTTP/1.0 with kept connections gets one Connection header, and the end behind the response", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
worker-reload-mercy = 60
chain-reload-verify = 0
touch-chain-reload = reload
deno-worker-override = app.ts`,
    files: {
      "app.ts": `import uwsgi from "uwsgi";
uwsgi.serve(() => new Response("hello"));`,
    },
  });
  await using running = master;
  const [hostname = "", port] = (addresses[0] ?? "").split(":");
  using client = await Deno.connect({ hostname, port: Number(port) });
  const buffer = new Uint8Array(65_536);
  const piece = async () => {
    const length = await client.read(buffer);
    return length === null ? null : new TextDecoder().decode(buffer.subarray(0, length));
  };
  const ask = async () => {
    const head = "GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n";
    await client.write(new TextEncoder().encode(head));
    let text = "";
    while (!text.endsWith("\r\n\r\nhello")) {
      const more = await piece();
      assert(more !== null, `the connection ended behind ${JSON.stringify(text)}`);
      text += more;
    }
    return [...text.matchAll(/^connection: *(.*)\r$/gim)].map(([, value]) => value);
  };
  assertEquals(await ask(), ["keep-alive"]);
  await running.reload();
  let said = await ask();
  for (; said.join() === "keep-alive"; said = await ask());
  assertEquals(said, ["close"]);
  // The mercy, after which it ends in any case, is much longer than a failure is waited for.
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("It is still open")), 30_000);
  assertEquals(await Promise.race([piece(), late]), null);
  clearTimeout(timer);
  await running.waitFor("gone");
});
