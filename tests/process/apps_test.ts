import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { fromFileUrl } from "@std/path/posix";
import { getText } from "../helpers/http.ts";
import { Http2Client } from "../helpers/http2_client.ts";
import { type LoadMix, runLoad } from "../helpers/load.ts";
import { reloadUnderLoad, targetAt } from "../helpers/reload_load.ts";
import { readyMaster } from "../helpers/running_master.ts";

const APPS = fromFileUrl(new URL("../fixtures/apps/plain/", import.meta.url));

const TLS = fromFileUrl(new URL("../fixtures/tls", import.meta.url));
const NO_AUTO = "auto-accept = false";

/** What `deno serve` runs. */
const DEFAULT_EXPORT = "default_export.ts";
const defaultExport = `import { lossHandler } from "${APPS}../loss_handler.ts";
const fetch = lossHandler({ pid: Deno.pid, worker: 0 });
export { app as default };
const app = { fetch };`;

/** What a server can be asked that answers as `loss_handler.ts` does. */
const EVERYTHING: LoadMix = {
  "close": 2,
  "keep-alive": 2,
  "idle": 2,
  "post": 1,
  "split-header": 1,
  "pipelined": 1,
  "sse": 1,
};

/** Each app, what its clients do, and whether it is tried on a Unix socket too. */
const KINDS: Readonly<Record<string, readonly [mix: LoadMix, unix: boolean]>> = {
  "serve.ts": [{ ...EVERYTHING, websocket: 1 }, true],
  "serve_port.ts": [EVERYTHING, false],
  "serve_options.ts": [{ "close": 1, "keep-alive": 1 }, false],
  [DEFAULT_EXPORT]: [EVERYTHING, false],
  "listen.ts": [{ "close": 4 }, true],
  "node_http.ts": [EVERYTHING, true],
  "node_http_path.ts": [{ "close": 1, "keep-alive": 2 }, false],
  "node_net.ts": [{ "close": 4 }, true],
};

for (const [app, [mix, unix]] of Object.entries(KINDS)) {
  for (const socket of unix ? ["127.0.0.1:0", "%DIR%/app.sock"] : ["127.0.0.1:0"]) {
    Deno.test(`the app ${app} is reloaded on ${socket} under load without loss`, async () => {
      const { master, addresses: [address = ""] } = await readyMaster({
        ini: `http-socket = ${socket}
processes = 2
worker-reload-mercy = 20
chain-reload-verify = 0.1
touch-chain-reload = reload
${app === "node_http_path.ts" ? "socket-map = /tmp/app_of_its_own.sock => 0" : ""}
deno-worker-override = ${app === DEFAULT_EXPORT ? app : APPS + app}`,
        files: { [DEFAULT_EXPORT]: defaultExport },
      });
      await using running = master;
      const pids = await reloadUnderLoad(running, address, mix, 2);
      assert(pids.size > 2, `only ${pids.size} workers have answered`);
    });
  }
}

for (const app of ["leaves_itself.ts", "aborts_itself.ts"]) {
  Deno.test(`the app ${app} loses nothing when it leaves its own way`, async () => {
    const { master, addresses: [address = ""] } = await readyMaster({
      ini: `http-socket = 127.0.0.1:0
processes = 2
worker-reload-mercy = 20
chain-reload-verify = 0.1
touch-chain-reload = reload
deno-worker-override = ${APPS}${app}`,
    });
    await using running = master;
    await reloadUnderLoad(running, address, { "close": 2, "keep-alive": 2, "idle": 2 }, 2);
  });
}

Deno.test("node servers that were replaced accept again when a reload fails", async () => {
  const { master, addresses: [address = ""] } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
processes = 2
touch-chain-reload = reload
deno-worker-override = ${APPS}sometimes_fails.ts`,
  });
  await using running = master;
  const before = new Set(running.acceptingPids().values());
  const end = new AbortController();
  const load = runLoad(targetAt(address), { "close": 3, "keep-alive": 2, "idle": 2 }, end.signal);
  running.write({ fail: "" });
  running.touch("reload");
  const { outcome } = await running.waitFor("reloadFinished");
  assertEquals(outcome, "rolled-back");
  await running.waitFor("gone");
  end.abort();
  assertEquals((await load).examples, []);
  const after = await runLoad(targetAt(address), { "close": 4 }, { requests: 100 });
  assertEquals(after.examples, []);
  assertEquals(new Set(after.pids), before);
});

Deno.test("a node server serves the queue of a slot that has no worker", async () => {
  const { master, addresses: [address = ""] } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
processes = 2
deno-worker-override = ${APPS}sometimes_fails.ts`,
  });
  await using running = master;
  running.write({ "fail": "", "started/x": "" });
  const [killed = 0, other = 0] = running.acceptingPids().values();
  Deno.kill(killed, "SIGKILL");
  await running.waitFor("startFailed");
  const report = await runLoad(targetAt(address), { "close": 4 }, { requests: 100 });
  assertEquals(report.examples, []);
  assertEquals([...report.pids], [other]);
});

Deno.test("servers get sockets in order and by socket-map, are counted, and others are warned about", async () => {
  const { master, addresses: [first = "", second = ""] } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
http-socket = 127.0.0.1:0
socket-map = 3001 => 0
log-format = logged %(method) %(uri) %(status) %(rsize)
deno-worker-override = app.ts`,
    files: {
      "app.ts": `import { createServer } from "node:http";
const server = createServer((_request, response) => response.end("two"));
server.listen(3000, () => console.log("node", JSON.stringify(server.address())));
Deno.serve({ port: 3001, onListen: ({ port }) => console.log("deno", port) }, () => new Response("one"));
createServer().listen("own.sock");
`,
    },
  });
  await using running = master;
  assertEquals(await getText(`http://${first}/a`), "one");
  assertEquals(await getText(`http://${second}/b?c`), "two");
  assertEquals(await running.stop(), 0);
  const [, port] = first.split(":");
  const [address, other] = second.split(":");
  assert(running.stdout.includes(`deno ${port}`));
  const real = JSON.stringify({ address, port: Number(other), family: "IPv4" });
  assert(running.stdout.includes(`node ${real}`));
  const lines = running.events.filter(({ event }) => event === "request");
  const texts = ["logged GET /a 200 3", "logged GET /b?c 200 3"];
  assertEquals(lines.map(({ message }) => message), texts);
  const warnings = running.output.filter((line) => line.includes("no socket of the instance"));
  assertEquals(warnings.length, 1);
  assertMatch(warnings[0] ?? "", /^listen\(\) opens own\.sock .*socket = own\.sock"$/);
});

for (const [why, ini, name] of [["imports uwsgi", "", '"uwsgi"'], ["must", NO_AUTO, "name"]]) {
  Deno.test(`a script that ${why} asks for the sockets itself`, async () => {
    const { master, addresses: [address = ""] } = await readyMaster({
      ini: `http-socket = 127.0.0.1:0\n${ini}\ndeno-worker-override = app.ts`,
      files: {
        "app.ts": `const name: string = "uwsgi";
const own = Deno.serve({ port: 0, onListen: () => {} }, () => new Response("own"));
const { default: uwsgi } = await import(${name});
uwsgi.serve(() => new Response(String(own.addr.port)));
`,
      },
    });
    await using running = master;
    const port = await getText(`http://${address}/`);
    assertEquals(await getText(`http://127.0.0.1:${port}/`), "own");
    assertEquals(await running.stop(), 0);
  });
}

Deno.test("apps without foreign functions bind for themselves, and are reloaded", async () => {
  for (const app of ["serve.ts", "node_http.ts"]) {
    const { master, addresses: [address = ""] } = await readyMaster({
      ini: `http-socket = 127.0.0.1:0
chain-reload-verify = 0.1
touch-chain-reload = reload
deno-flag = --deny-ffi
deno-worker-override = ${APPS}${app}`,
    });
    await using running = master;
    const before = await getText(`http://${address}/`);
    running.touch("reload");
    await running.waitFor("reloadFinished", ({ outcome }) => outcome === "done");
    await running.waitFor("gone");
    assertNotEquals(await getText(`http://${address}/`), before);
    assertEquals(await running.stop(), 0);
  }
});

Deno.test("servers with TLS of their own are reloaded without loss", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
http-socket = 127.0.0.1:0
http-socket = 127.0.0.1:0
processes = 2
chain-reload-verify = 0.1
touch-chain-reload = reload
worker-argv = ${TLS}
deno-worker-override = ${APPS}tls.ts`,
  });
  await using running = master;
  // A client of HTTP/2 stays until the mercy ends.
  const caCerts = [Deno.readTextFileSync(`${TLS}/cert.pem`)];
  using client = Deno.createHttpClient({ caCerts, http2: false });
  let over = false;
  const asked = addresses.map(async (address) => {
    const pids = new Set<number>();
    while (!over) {
      const headers = { connection: "close" };
      const response = await fetch(`https://${address}/`, { client, headers });
      pids.add((await response.json()).pid);
    }
    return pids.size;
  });
  for (let i = 0; i < 2; i++) {
    assertEquals((await running.reload()).outcome, "done");
  }
  over = true;
  for (const pids of await Promise.all(asked)) assert(pids > 2, `only ${pids} workers`);
});

/** As gRPC servers are: `/wait` is answered when there is a file `go`, everything else at once. */
const NODE_HTTP2_APP = `import http2 from "node:http2";
import { existsSync, readFileSync } from "node:fs";
const answer = (stream, headers) => {
  stream.on("error", () => {});
  stream.respond({ ":status": 200 });
  if (headers[":path"] !== "/wait") return stream.end("answer");
  const timer = setInterval(() => {
    if (!existsSync("go")) return;
    clearInterval(timer);
    stream.end("waited");
  }, 20);
};
const secure = existsSync("key.pem");
const server = secure
  ? http2.createSecureServer({ cert: readFileSync("cert.pem"), key: readFileSync("key.pem") })
  : http2.createServer();
server.on("stream", answer);
server.listen(3000);`;

async function finishCalls(
  files: Readonly<Record<string, { readonly fixture: string }>>,
  connect: (port: number) => Promise<Http2Client>,
): Promise<void> {
  const { master, addresses: [address = ""] } = await readyMaster({
    ini: `http-socket = localhost:0
worker-reload-mercy = 120
chain-reload-verify = 0
touch-chain-reload = reload
deno-worker-override = app.js`,
    files: { ...files, "app.js": NODE_HTTP2_APP },
  });
  await using running = master;
  const port = Number(address.split(":").at(-1));
  const clients = await Promise.all(Array.from({ length: 5 }, () => connect(port)));
  const calls = clients.map((client) => client.get("/wait"));
  for (const client of clients) assertEquals((await client.get("/")).text, "answer");
  assertEquals((await running.reload()).outcome, "done");
  // They are told at the begin, and what they have begun goes on.
  for (const client of clients) await client.untilAskedToGo();
  running.touch("go");
  for (const call of calls) {
    assertEquals(await call, { status: 200, text: "waited", complete: true });
  }
  await running.waitFor("gone");
  assertEquals(running.count("killing"), 0);
  await Promise.all(clients.map((client) => client.close()));
}

Deno.test("clients of node:http2 are told to go, and finish their calls", () =>
  finishCalls({}, (port) => Http2Client.connectClear(port, { answersGoAway: true })));

Deno.test("clients of node:http2 with a certificate are told to go, and finish their calls", () =>
  finishCalls({
    "cert.pem": { fixture: "certificates/first.pem" },
    "key.pem": { fixture: "certificates/first_key.pem" },
  }, (port) => {
    const path = new URL("../fixtures/certificates/first.pem", import.meta.url);
    return Http2Client.connect(port, [Deno.readTextFileSync(path)], { answersGoAway: true });
  }));

Deno.test("event streams of node:http2 end in order when their worker leaves", async () => {
  const { master, addresses: [address = ""] } = await readyMaster({
    ini: `http-socket = localhost:0
worker-reload-mercy = 4
chain-reload-verify = 0
touch-chain-reload = reload
deno-worker-override = app.js`,
    files: {
      "app.js": `import http2 from "node:http2";
http2.createServer((_request, response) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  setInterval(() => response.write("data: event\\n\\n"), 20);
}).listen(3000);`,
    },
  });
  await using running = master;
  const client = await Http2Client.connectClear(Number(address.split(":").at(-1)));
  const events = client.get("/");
  assertEquals((await running.reload()).outcome, "done");
  assertEquals((await events).complete, true);
  await running.waitFor("gone");
  assertEquals([running.count("killing"), running.count("died")], [0, 0]);
  await client.close();
});
