/** Sockets with TLS: HTTP/1.1 and HTTP/2 across reloads, and certificates that change. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Http2Client } from "../helpers/http2_client.ts";
import { loseNothing } from "../helpers/reload_load.ts";
import { readyMaster, type RunningMaster } from "../helpers/running_master.ts";
import { SharedProgram } from "../helpers/shared_program.ts";
import { readStats } from "../helpers/stats.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";
import { duwsgi } from "../helpers/program.ts";

const FIXTURES = new URL("../fixtures/certificates", import.meta.url).pathname;
const LOSS_APP = new URL("../fixtures/apps/loss_app.ts", import.meta.url).pathname;
const LOSS_HANDLER = new URL("../fixtures/apps/loss_handler.ts", import.meta.url).href;
const FILES = {
  "cert.pem": { fixture: "certificates/first.pem" },
  "key.pem": { fixture: "certificates/first_key.pem" },
};

function certificate(name: string): string {
  return Deno.readTextFileSync(`${FIXTURES}/${name}.pem`);
}

const FIRST = [certificate("first")];
const SECOND = [certificate("second")];

function ini(more: string): string {
  return `https-socket = localhost:0,cert.pem,key.pem
touch-chain-reload = cert.pem
worker-reload-mercy = 20
deno-worker-override = ${LOSS_APP}
${more}`;
}

function portOf(addresses: readonly string[]): number {
  return Number(addresses[0]?.split(":").at(-1));
}

function chainReload(running: RunningMaster) {
  return running.reload(() => running.touch("cert.pem"));
}

function pidIn(text: string): number {
  return (JSON.parse(text) as { readonly pid: number }).pid;
}

Deno.test("HTTP/2 streams finish across a chain reload, and then their clients are asked to go", async () => {
  const { master, addresses } = await readyMaster({ ini: ini("processes = 1"), files: FILES });
  await using running = master;
  const port = portOf(addresses);
  const client = await Http2Client.connect(port, FIRST);
  const before = pidIn((await client.get("/")).text);
  const streams = [client.get("/events?n=30&gap=100"), client.get("/slow?ms=2500&tag=slept")];
  assertEquals((await chainReload(running)).outcome, "done");
  await client.untilAskedToGo();
  const [events, slow] = await Promise.all(streams);
  assertEquals([events?.status, events?.complete], [200, true]);
  assertEquals(events?.text.match(/^data: /gm)?.length, 30);
  assertEquals(slow, { status: 200, text: "slept", complete: true });
  assertEquals(client.lastStream, 5);
  await client.closed;
  const next = await Http2Client.connect(port, FIRST);
  const after = await next.get("/", { host: "localhost" });
  assert(after.complete && pidIn(after.text) !== before);
  await next.close();
});

/** Answers `/` at once, `/wait` when there is a file `go`, and `/stream` with a stream that ends then. */
const PATIENT_APP = `import uwsgi from "uwsgi";
const there = async () => {
  while (!await Deno.stat("go").then(() => true, () => false)) await new Promise((done) => setTimeout(done, 20));
};
uwsgi.serve(async (request) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/wait") await there();
  if (pathname !== "/stream") return new Response("answer");
  const body = new ReadableStream({
    async start(to) {
      to.enqueue("begin ");
      await there();
      to.enqueue("end");
      to.close();
    },
  });
  return new Response(body.pipeThrough(new TextEncoderStream()));
});`;

/**
 * Ten streams each of two clients that answer GOAWAY, as Node's do, run across a chain reload, and so do
 * some that begin when the worker retires.
 */
async function streamAcross(
  socket: string,
  connect: (addresses: readonly string[]) => Promise<Http2Client>,
): Promise<void> {
  const { master, addresses } = await readyMaster({
    ini: `${socket}
touch-chain-reload = reload
worker-reload-mercy = 120
chain-reload-verify = 0
deno-worker-override = app.ts`,
    files: { ...FILES, "app.ts": PATIENT_APP },
  });
  await using running = master;
  const clients = [await connect(addresses), await connect(addresses)];
  const ten = Array.from({ length: 10 }, (_, at) => at % 2 === 0 ? "/stream" : "/wait");
  const streams = clients.flatMap((client) => ten.map((path) => client.get(path)));
  const now = () => Promise.all(clients.map((client) => client.get("/")));
  for (const { text } of await now()) assertEquals(text, "answer");
  assertEquals((await running.reload()).outcome, "done");
  await running.waitFor("retiring");
  streams.push(...clients.map((client) => client.get("/wait")));
  for (const { text } of await now()) assertEquals(text, "answer");
  assert(clients.every((client) => !client.isAskedToGo));
  running.touch("go");
  for (const { status, complete } of await Promise.all(streams)) {
    assertEquals({ status, complete }, { status: 200, complete: true });
  }
  // As soon as nothing is open: nobody waits for the end of the mercy.
  await running.waitFor("gone");
  await Promise.all(clients.map((client) => client.closed));
}

Deno.test("clients of HTTP/2 that answer GOAWAY keep their streams across a chain reload, with TLS", () =>
  streamAcross(
    "https-socket = localhost:0,cert.pem,key.pem",
    (at) => Http2Client.connect(portOf(at), FIRST, { answersGoAway: true }),
  ));

Deno.test("clients of HTTP/2 that answer GOAWAY keep their streams across a chain reload, without TLS", () =>
  streamAcross(
    "http-socket = 127.0.0.1:0",
    (at) => Http2Client.connectClear(portOf(at), { answersGoAway: true }),
  ));

Deno.test("clients of HTTP/1.1 and HTTP/2 lose nothing over TLS, whatever is reloaded", async () => {
  const { master, addresses } = await readyMaster({ ini: ini("processes = 2"), files: FILES });
  await using running = master;
  const port = portOf(addresses);
  const end = new AbortController();
  const mix = {
    "close": 1,
    "keep-alive": 2,
    "idle": 1,
    "post": 1,
    "split-header": 1,
    "sse": 1,
    "websocket": 1,
  };
  const load = loseNothing([{ hostname: "localhost", port, caCerts: FIRST }], mix, end.signal);
  const streams = Array.from({ length: 6 }, () => askOverHttp2(port, end.signal));
  for (let i = 0; i < 3; i++) assertEquals((await chainReload(running)).outcome, "done");
  // Another socket takes another program of the master.
  running.writeIni(ini("processes = 2\nsocket = %DIR%/app.sock"));
  assertEquals((await running.reload(() => running.signal("SIGHUP"))).outcome, "done");
  assert(running.events.some(({ message }) => message.includes("program was replaced")));
  await running.until(() => running.count("gone") === 8, "end of the old workers");
  end.abort();
  await load;
  const asked = await Promise.all(streams);
  assertEquals(asked.flatMap(({ lost }) => lost), []);
  assert(asked.every(({ ok, connections }) => ok > 20 && connections > 1), JSON.stringify(asked));
});

/** Asks again and again, over another connection whenever it is told to go. */
async function askOverHttp2(port: number, signal: AbortSignal) {
  const found = { ok: 0, connections: 0, lost: [] as string[] };
  while (!signal.aborted) {
    const client = await Http2Client.connect(port, FIRST);
    found.connections++;
    while (!client.isAskedToGo && !signal.aborted) {
      const first = client.begun * 2 + 1;
      const answers = await Promise.all([client.get("/"), client.get("/slow?ms=5&tag=x")]);
      answers.forEach((answer, at) => {
        const taken = client.lastStream === null || first + at * 2 <= client.lastStream;
        if (answer.complete && answer.status === 200) found.ok++;
        // What comes after the last stream was not looked at: it is to be asked again (RFC 9113, 6.8).
        else if (taken) found.lost.push(JSON.stringify({ ...answer, last: client.lastStream }));
      });
    }
    await client.close();
  }
  return found;
}

Deno.test("a certificate is changed without anybody noticing, and a bad one changes nothing", async () => {
  const { master, addresses } = await readyMaster({ ini: ini("processes = 1"), files: FILES });
  await using running = master;
  const port = portOf(addresses);
  const old = await Http2Client.connect(port, FIRST);
  const stream = old.get("/events?n=20&gap=100");

  running.write({ "key.pem": { fixture: "certificates/second_key.pem" } });
  const failed = await chainReload(running);
  assertEquals(failed.outcome, "rolled-back");
  assertMatch(
    running.events.findLast(({ event }) => event === "reloadFinished")?.message ?? "",
    /The key "key\.pem" of https-socket "localhost:0" \(.*app\.ini:3\) does not belong to the certificate "cert\.pem"/,
  );
  const still = await Http2Client.connect(port, FIRST);
  assert((await still.get("/")).complete);
  await still.close();

  const from = running.events.length;
  running.write({ "cert.pem": { fixture: "certificates/second.pem" } });
  await running.waitFor("reloadFinished", ({ outcome }) => outcome === "done", from);
  const renewed = await Http2Client.connect(port, SECOND);
  const { text } = await renewed.get("/");
  assertEquals(pidIn(text), running.acceptingPids().get(1));
  await renewed.close();
  const { complete, text: events } = await stream;
  assertEquals([complete, events.match(/^data: /gm)?.length], [true, 20]);
});

Deno.test("sandboxed workers that are recalled accept TLS connections again, and their streams go on", async () => {
  const app = (text: string) =>
    `import uwsgi from "uwsgi";
import { lossHandler } from ${JSON.stringify(LOSS_HANDLER)};
if (uwsgi.worker_id() === 2) ${text};
uwsgi.serve(lossHandler({ pid: Deno.pid, worker: uwsgi.worker_id() }));`;
  const { master, addresses } = await readyMaster({
    ini: ini("processes = 2\ndeny-net = true").replace(LOSS_APP, "app.ts"),
    files: { ...FILES, "app.ts": app("void 0") },
  });
  await using running = master;
  const port = portOf(addresses);
  const clients = await Promise.all(
    Array.from({ length: 6 }, () => Http2Client.connect(port, FIRST)),
  );
  const streams = clients.map((client) => client.get("/events?n=20&gap=100"));
  await Promise.all(clients.map((client) => client.get("/")));
  running.write({ "app.ts": app('throw new Error("broken")') });
  assertEquals((await chainReload(running)).outcome, "rolled-back");
  const pids = new Set(running.acceptingPids().values());
  for (const client of clients) {
    const { complete, text } = await client.get("/");
    assert(complete && pids.has(pidIn(text)));
    assertEquals(client.isAskedToGo, false);
  }
  for (const { complete } of await Promise.all(streams)) assert(complete);
  const one = await Http2Client.connect(port, FIRST);
  assert((await one.get("/")).complete);
  await Promise.all([...clients, one].map((client) => client.close()));
});

Deno.test("what a script and the stats are told of a TLS socket", async () => {
  const { master, addresses } = await readyMaster({
    ini: `https-socket2 = addr=localhost:0,crt=cert.pem,key=key.pem
https-socket = 127.0.0.1:0,cert.pem,key.pem
stats = %DIR%/stats.sock
deno-worker-override = app.ts`,
    files: {
      ...FILES,
      "app.ts": `import uwsgi from "uwsgi";
uwsgi.sockets[0].serve((request) => new Response(JSON.stringify({
  url: request.url,
  protocol: uwsgi.sockets[0].protocol,
  environment: Object.values(Deno.env.toObject()).join().includes("PRIVATE"),
  command: Deno.readTextFileSync("/proc/self/cmdline").includes("PRIVATE"),
})));
const listener = uwsgi.sockets[1].listen();
uwsgi.accepting();
for await (const connection of listener) {
  await connection.write(new TextEncoder().encode("decrypted"));
  connection.close();
}`,
    },
  });
  await using running = master;
  const port = portOf(addresses);
  const second = Number(addresses[1]?.split(":").at(-1));
  using raw = await Deno.connectTls({ hostname: "127.0.0.1", port: second, caCerts: FIRST });
  assertEquals(await new Response(raw.readable).text(), "decrypted");
  using client = Deno.createHttpClient({ caCerts: FIRST });
  const response = await fetch(`https://localhost:${port}/a`, { client });
  assertEquals(await response.json(), {
    url: `https://localhost:${port}/a`,
    protocol: "https-socket",
    environment: false,
    command: false,
  });
  const { sockets } = await readStats(running.path("stats.sock"));
  assertEquals(sockets.map(({ proto }) => proto), ["https", "https"]);
  assertEquals(await running.stop(), 0);
});

Deno.test("certificates that cannot be used are refused in one line, and good ones pass a smoke run", async () => {
  const run = (certificate: string, key: string, ...more: readonly string[]) => {
    const pem = (name: string) => `${FIXTURES}/${name}.pem`;
    const value = `localhost:0,${pem(certificate)},${pem(key)}`;
    return duwsgi(["--https-socket", value, "--deno-worker-override", LOSS_APP, ...more]);
  };
  const cases: [certificate: string, key: string, message: RegExp][] = [
    ["no", "first_key", /Cannot read the certificate ".*no\.pem" of .*:0" \(.*:1\): it does not/],
    ["first", "second_key", /The key ".*second_key\.pem" of .* does not belong/],
    ["first_key", "first_key", /There is no certificate in ".*first_key\.pem" of /],
    ["first", "first", /There is no private key in ".*first\.pem" of /],
  ];
  await Promise.all(cases.map(async ([certificate, key, message]) => {
    const { code, stderr } = await run(certificate, key);
    assertEquals(code, 2);
    assertMatch(stderr, message);
    assertEquals(stderr.trim().split("\n").length, 1);
  }));
  const { code, stderr } = await run("expired", "first_key", "--check");
  assertEquals(code, 0);
  assertStringIncludes(stderr, "expired on Jan  1 00:00:00 2021 GMT: clients will refuse it");
  const smoke = await run("first", "first_key", "--smoke");
  assertEquals(smoke.code, 0, smoke.stdout);
  assertMatch(smoke.stdout, /^ok {6}GET \/ at https-socket .*: 200 OK/m);
  const bad = await run("first", "second_key", "--check");
  assertEquals(bad.code, 2);
  assertStringIncludes(bad.stderr, "does not belong");
});

Deno.test("a key that every user can read is a warning of one line, and no more", async () => {
  using files = new TempDirectory();
  const key = files.write("key.pem", certificate("first_key"));
  const cert = files.write("cert.pem", certificate("first"));
  for (const [mode, lines] of [[0o644, 1], [0o640, 0], [0o600, 0]] as const) {
    Deno.chmodSync(key, mode);
    const { code, stderr } = await duwsgi([
      ...["--https-socket", `localhost:0,${cert},${key}`],
      ...["--deno-worker-override", LOSS_APP, "--check"],
    ]);
    const warnings = stderr.split("\n").filter((line) =>
      line.includes("can be read by every user")
    );
    assertEquals([code, warnings.length], [0, lines], stderr);
  }
});

Deno.test({
  name:
    "a key that only root may read is served by who is not root, and reloads say that they cannot",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    using program = new SharedProgram();
    using roots = new TempDirectory();
    const key = roots.write("key.pem", certificate("first_key"));
    Deno.chmodSync(key, 0o600);
    const { master, addresses } = await readyMaster({
      ini: `https-socket = localhost:0,cert.pem,${key}
uid = nobody
touch-chain-reload = cert.pem
deno-worker-override = app.ts`,
      files: {
        "cert.pem": FILES["cert.pem"],
        "app.ts": `import uwsgi from "uwsgi";
uwsgi.serve(() => Response.json({ pid: Deno.pid, uid: Deno.uid() }));`,
      },
      program,
    });
    await using running = master;
    const warning = running.events.find(({ event }) => event === "certificate")?.message ?? "";
    assertMatch(warning, /^Reloads will fail\. Cannot read the key ".*key\.pem" of .*permission/);
    const client = await Http2Client.connect(portOf(addresses), FIRST);
    const { text } = await client.get("/");
    assert((JSON.parse(text) as { readonly uid: number }).uid !== 0);
    assertEquals((await chainReload(running)).outcome, "rolled-back");
    // A worker that dies is replaced all the same.
    Deno.kill(pidIn(text), "SIGKILL");
    await client.close();
    const again = await Http2Client.connect(portOf(addresses), FIRST);
    assert(pidIn((await again.get("/")).text) !== pidIn(text));
    await again.close();
  },
});
