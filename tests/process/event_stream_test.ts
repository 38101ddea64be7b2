/** Event streams, which only the server ends: they end in order when their worker leaves. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Http2Client } from "../helpers/http2_client.ts";
import { connectTo, type Target } from "../helpers/load/target.ts";
import { lineHeader } from "../helpers/proxy_header.ts";
import { readyMaster, type RunningMaster } from "../helpers/running_master.ts";
import { readAll, requestPacket, targetOf } from "../helpers/uwsgi_client.ts";

const CERTIFICATE = new URL("../fixtures/certificates/first.pem", import.meta.url).pathname;

/** Sends an event now and then until its client goes: that is all it knows of an end. */
const EVENTS = `
const events = () => {
  let timer;
  const body = new ReadableStream({
    start(to) {
      const send = () => to.enqueue("data: event\\n\\n");
      send();
      timer = setInterval(send, 20);
    },
    cancel(reason) {
      clearInterval(timer);
      console.error("cancelled: " + reason);
    },
  });
  const headers = { "Content-Type": "text/event-stream; charset=utf-8" };
  return new Response(body.pipeThrough(new TextEncoderStream()), { headers });
};`;

const MODULE_APP = `import uwsgi from "uwsgi";\n${EVENTS}\nuwsgi.serve(events);`;
const DENO_APP = `${EVENTS}\nDeno.serve(events);`;

/** As Express does it; it knows nothing of an end at all. */
const NODE_APP = `import http from "node:http";
http.createServer((_request, response) => {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  setInterval(() => response.write("data: event\\n\\n", () => {}), 20);
}).listen(3000);`;

const SETTINGS = `worker-reload-mercy = 4
touch-chain-reload = reload
chain-reload-verify = 0`;

const encode = (text: string) => new TextEncoder().encode(text);
const GET = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/** Begins to read a stream; `text` has all of it when it has ended in order. */
async function open(
  target: Target,
  request: Uint8Array,
): Promise<{ readonly text: Promise<string> }> {
  const connection = await connectTo(target, AbortSignal.timeout(20_000));
  await connection.write(request);
  const begun = new Uint8Array(65_536);
  const first = new TextDecoder().decode(begun.subarray(0, await connection.read(begun) ?? 0));
  const rest = readAll(connection).catch((error) => `\nbroken: ${error}`)
    .finally(() => connection.close());
  return { text: rest.then((text) => first + text) };
}

function assertEndsWithLastChunk(text: string): void {
  assertMatch(text, /^HTTP\/1\.1 200 OK\r\n/);
  assertMatch(text, /\r\ndata: event\n\n\r\n0\r\n\r\n$/);
}

/** The old worker has gone, in time and by itself. */
async function hasLeft(running: RunningMaster): Promise<void> {
  await running.waitFor("gone");
  assertEquals(running.count("killing"), 0);
}

Deno.test("event streams end in order when their worker leaves, over all protocols", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
http-socket = %DIR%/app.sock
https-socket = localhost:0,cert.pem,key.pem
uwsgi-socket = 127.0.0.1:0
${SETTINGS}
deno-worker-override = app.js`,
    files: {
      "app.js": MODULE_APP,
      "cert.pem": { fixture: "certificates/first.pem" },
      "key.pem": { fixture: "certificates/first_key.pem" },
    },
  });
  await using running = master;
  const [tcp = "", unix = "", secure = "", uwsgi = ""] = addresses;
  const port = Number(secure.split(":").at(-1));
  const caCerts = [Deno.readTextFileSync(CERTIFICATE)];
  const chunked = [
    await open(targetOf(tcp), encode(GET)),
    await open(targetOf(unix), encode(GET)),
    await open({ hostname: "localhost", port, caCerts }, encode(GET)),
  ];
  const packet = await open(targetOf(uwsgi), requestPacket("/"));
  const client = await Http2Client.connect(port, caCerts, { answersGoAway: true });
  const stream = client.get("/");
  assertEquals((await running.reload()).outcome, "done");
  for (const { text } of chunked) assertEndsWithLastChunk(await text);
  assertMatch(await packet.text, /data: event\n\n$/);
  assertEquals((await stream).complete, true);
  await hasLeft(running);
  await client.close();
  const cancelled = () => running.output.filter((line) => line.startsWith("cancelled: The worker"));
  await running.until(() => cancelled().length === 5, "cancelled streams");
});

Deno.test("event streams end in order behind the PROXY protocol, and where a worker is stopped", async () => {
  const { master, addresses: [address = ""] } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
enable-proxy-protocol = true
${SETTINGS}
deno-worker-override = app.js`,
    files: { "app.js": MODULE_APP },
  });
  await using running = master;
  const { text } = await open(targetOf(address), encode(lineHeader("192.0.2.7", 4711) + GET));
  running.signal("SIGTERM");
  assertEndsWithLastChunk(await text);
  assertEquals(await running.exitCode(), 0);
  assertEquals(running.count("killing"), 0);
});

Deno.test("event streams of a sandboxed worker, and of Deno.serve in an app, end in order", async () => {
  const { master, addresses: [address = ""] } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
deny-net = true
${SETTINGS}
deno-worker-override = app.js`,
    files: { "app.js": DENO_APP },
  });
  await using running = master;
  const { text } = await open(targetOf(address), encode(GET));
  assertEquals((await running.reload()).outcome, "done");
  assertEndsWithLastChunk(await text);
  await hasLeft(running);
});

/** Knows nothing of an end, either. */
const NODE_HTTP2_APP = `import http2 from "node:http2";
http2.createServer().on("stream", (stream) => {
  stream.respond({ ":status": 200, "Content-Type": "text/event-stream" });
  stream.on("error", () => {});
  setInterval(() => stream.write("data: event\\n\\n", () => {}), 20);
}).listen(3000);`;

/** The same as a response, as frameworks do it. */
const NODE_HTTP2_COMPATIBLE_APP = NODE_APP.replaceAll("http", "http2");

/** Reads an event stream over HTTP/2 while its worker is replaced. */
async function endsOverHttp2(app: string): Promise<void> {
  const { master, addresses: [address = ""] } = await readyMaster({
    ini: `https-socket = localhost:0,cert.pem,key.pem
${SETTINGS}
deno-worker-override = app.js`,
    files: {
      "app.js": app,
      "cert.pem": { fixture: "certificates/first.pem" },
      "key.pem": { fixture: "certificates/first_key.pem" },
    },
  });
  await using running = master;
  const port = Number(address.split(":").at(-1));
  const caCerts = [Deno.readTextFileSync(CERTIFICATE)];
  const client = await Http2Client.connect(port, caCerts, { answersGoAway: true });
  const stream = client.get("/");
  assertEquals((await running.reload()).outcome, "done");
  const { complete, ...rest } = await stream;
  assertEquals(complete, true, JSON.stringify(rest));
  await hasLeft(running);
  await client.close();
  assert(running.events.every(({ event }) => event !== "died"), "a worker that died");
  assertEquals(running.output, []);
}

Deno.test("event streams that are streams of node:http2 end in order", () =>
  endsOverHttp2(NODE_HTTP2_APP));

Deno.test("event streams that are responses of node:http2 end in order", () =>
  endsOverHttp2(NODE_HTTP2_COMPATIBLE_APP));

Deno.test("event streams of node:http end in order, and what the script still writes harms nobody", async () => {
  const { master, addresses: [address = ""] } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
${SETTINGS}
deno-worker-override = app.js`,
    files: { "app.js": NODE_APP },
  });
  await using running = master;
  const { text } = await open(targetOf(address), encode(GET));
  assertEquals((await running.reload()).outcome, "done");
  assertEndsWithLastChunk(await text);
  await hasLeft(running);
  assert(running.events.every(({ event }) => event !== "died"), "a worker that died");
});
