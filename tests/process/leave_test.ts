/** How fast workers that leave end what their clients only keep, and that no request is lost by it. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { lineHeader } from "../helpers/proxy_header.ts";
import { reloadUnderLoad } from "../helpers/reload_load.ts";
import { readyMaster, type RunningMaster } from "../helpers/running_master.ts";
import { connectTo } from "../helpers/stats.ts";

const CERTIFICATE = Deno.readTextFileSync(
  new URL("../fixtures/certificates/first.pem", import.meta.url),
);

/** Answers; `/wait` when there is a file `go`, `/ws` with a WebSocket, `/events` with a stream without end. */
const APP = `import uwsgi from "uwsgi";
const there = async () => {
  while (!await Deno.stat("go").then(() => true, () => false)) await new Promise((done) => setTimeout(done, 20));
};
uwsgi.serve(async (request) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/ws") return Deno.upgradeWebSocket(request).response;
  if (pathname === "/wait") await there();
  return new Response("answer to " + pathname);
});`;

const NODE_APP = `import http from "node:http";
http.createServer((request, response) => response.end("answer to " + request.url)).listen(3000);`;

/** Nobody waits until it is over (ten minutes). */
const INI = `worker-reload-mercy = 600
chain-reload-verify = 0
touch-chain-reload = reload
keepalive-stop-mercy = 0.5
keepalive-reload-mercy = 0.5
deno-worker-override = app.js`;

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`;

/** What comes until it includes `end`, or the connection has ended in order. */
async function until(connection: Deno.Conn, end: string): Promise<string> {
  const bytes = new Uint8Array(65_536);
  let text = "";
  while (!text.includes(end)) {
    const length = await connection.read(bytes);
    if (length === null) return `${text}<end>`;
    text += new TextDecoder().decode(bytes.subarray(0, length));
  }
  return text;
}

async function ask(connection: Deno.Conn, path: string, before = ""): Promise<void> {
  await connection.write(new TextEncoder().encode(before + get(path)));
  assertMatch(await until(connection, `answer to ${path}`), /^HTTP\/1\.1 200 /);
}

const plain = (address: string) => connectTo(address);
const secure = (address: string) =>
  Deno.connectTls({
    hostname: "localhost",
    port: Number(address.split(":").at(-1)),
    caCerts: [CERTIFICATE],
    alpnProtocols: ["http/1.1"],
  });

interface Kind {
  readonly name: string;
  readonly ini: string;
  readonly app?: string;
  readonly connect?: (address: string) => Promise<Deno.Conn>;
  readonly before?: string;
}

const KINDS: readonly Kind[] = [
  { name: "Deno.serve", ini: "http-socket = 127.0.0.1:0" },
  { name: "node:http", ini: "http-socket = 127.0.0.1:0", app: NODE_APP },
  { name: "a Unix socket", ini: "http-socket = %DIR%/app.sock" },
  { name: "a Unix socket of node:http", ini: "http-socket = %DIR%/app.sock", app: NODE_APP },
  { name: "TLS", ini: "https-socket = localhost:0,cert.pem,key.pem", connect: secure },
  {
    name: "the PROXY protocol",
    ini: "http-socket = 127.0.0.1:0\nenable-proxy-protocol = true",
    before: lineHeader("192.0.2.7", 4711),
  },
  { name: "a sandbox", ini: "http-socket = 127.0.0.1:0\nallow-read = ." },
  { name: "a sandbox, on a Unix socket", ini: "http-socket = %DIR%/app.sock\nallow-read = ." },
];

async function start({ ini, app = APP }: Pick<Kind, "ini" | "app">, more = "") {
  return await readyMaster({
    ini: `${ini}\n${INI}\n${more}`,
    files: {
      "app.js": app,
      "cert.pem": { fixture: "certificates/first.pem" },
      "key.pem": { fixture: "certificates/first_key.pem" },
    },
  });
}

function leftInOrder(running: RunningMaster): void {
  const gone = running.events.filter(({ event }) => event === "gone");
  assert(gone.length > 0);
  for (const { message } of gone) assertMatch(message, /exited with code 0/);
  assertEquals(running.count("killing"), 0);
}

for (const kind of KINDS) {
  const { name, connect = plain, before = "" } = kind;
  Deno.test(`idle connections of ${name} end in order at a stop, and hold nobody up`, async () => {
    const { master, addresses: [address = ""] } = await start(kind);
    await using running = master;
    using used = await connect(address);
    using fresh = await connect(address);
    await ask(used, "/one", before);
    running.signal("SIGTERM");
    assertEquals(await until(used, "\0"), "<end>");
    if (before === "") assertEquals(await until(fresh, "\0"), "<end>");
    else fresh.close();
    used.close();
    assertEquals(await running.exitCode(), 0);
    leftInOrder(running);
  });

  Deno.test(`idle connections of ${name} end in order at a reload`, async () => {
    const { master, addresses: [address = ""] } = await start(kind);
    await using running = master;
    using client = await connect(address);
    await ask(client, "/one", before);
    assertEquals((await running.reload()).outcome, "done");
    assertEquals(await until(client, "\0"), "<end>");
    client.close();
    await running.waitFor("gone");
    leftInOrder(running);
  });
}

Deno.test("who goes on asking is answered, and told to go", async () => {
  const { master, addresses: [address = ""] } = await start({ ini: "http-socket = 127.0.0.1:0" });
  await using running = master;
  using busy = await connectTo(address);
  using slow = await connectTo(address);
  using half = await connectTo(address);
  await ask(busy, "/one");
  await ask(half, "/one");
  // What comes within a few milliseconds of an answer cannot be told from the request before it.
  await new Promise((resolve) => setTimeout(resolve, 50));
  await slow.write(new TextEncoder().encode(get("/wait")));
  await half.write(new TextEncoder().encode("GET /half HTTP/1.1\r\n"));
  using idle = await connectTo(address);
  running.signal("SIGTERM");
  // When idle connections have ended, requests are still served.
  assertEquals(await until(idle, "\0"), "<end>");
  await half.write(new TextEncoder().encode("Host: test\r\n\r\n"));
  assertMatch(await until(half, "answer to /half"), /^HTTP\/1\.1 200 /);
  running.touch("go");
  assertMatch(await until(slow, "answer to /wait"), /^HTTP\/1\.1 200 /);
  for (const one of [busy, slow, half]) assertEquals(await until(one, "\0"), "<end>");
  for (const one of [busy, slow, half, idle]) one.close();
  assertEquals(await running.exitCode(), 0);
  leftInOrder(running);
});

Deno.test("the log says for whom a stop waits, how long at most, and what ends it", async () => {
  const { master, addresses: [address = ""] } = await start(
    { ini: "http-socket = 127.0.0.1:0" },
    "keepalive-stop-mercy = 600",
  );
  await using running = master;
  using idle = await connectTo(address);
  using slow = await connectTo(address);
  await ask(idle, "/one");
  await slow.write(new TextEncoder().encode(get("/wait")));
  running.signal("SIGTERM");
  await running.waitFor("waiting");
  const { message } = running.events.find(({ event }) => event === "waiting") ?? { message: "" };
  assertMatch(
    message,
    /^Waiting for 1 request and 1 idle connection of worker 1, 59\d(\.\d)? s at most; a second stop \(Ctrl-C, SIGTERM\) ends it now$/,
  );
  running.signal("SIGTERM");
  assertEquals(await running.exitCode(), 5);
});

Deno.test("the log says for whom the next reload waits", async () => {
  const { master, addresses: [address = ""] } = await start(
    { ini: "http-socket = 127.0.0.1:0" },
    "keepalive-reload-mercy = 600",
  );
  await using running = master;
  using idle = await connectTo(address);
  await ask(idle, "/one");
  assertEquals((await running.reload()).outcome, "done");
  running.signal("SIGUSR2");
  await running.waitFor("waiting");
  const { message } = running.events.find(({ event }) => event === "waiting") ?? { message: "" };
  assertMatch(
    message,
    /^The next reload waits for 1 idle connection of worker 1, [\d.]+ s at most; kill -KILL \d+ ends it now$/,
  );
  const from = running.events.length;
  idle.close();
  await running.waitFor("reloadFinished", () => true, from);
});

const NODE_WS_APP = `import http from "node:http";
import { createHash } from "node:crypto";
http.createServer((request, response) => response.end("answer to " + request.url)).on("upgrade", (request, socket) => {
  const accept = createHash("sha1").update(request.headers["sec-websocket-key"] +
    "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
  socket.write("HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n" +
    "Sec-WebSocket-Accept: " + accept + "\\r\\n\\r\\n");
  socket.on("data", () => socket.end());
  socket.on("error", () => {});
}).listen(3000);`;

function webSocket(address: string) {
  const socket = new WebSocket(`ws://${address}/ws`);
  const opened = new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  const closed = new Promise<number>((resolve) => {
    socket.onclose = ({ code }) => resolve(code);
  });
  return { socket, opened, closed };
}

for (const [name, app] of [["Deno's", APP], ["node's", NODE_WS_APP]] as const) {
  Deno.test(`${name} WebSockets end with 1001 at a stop`, async () => {
    const { master, addresses: [address = ""] } = await start({
      ini: "http-socket = 127.0.0.1:0",
      app,
    });
    await using running = master;
    const { opened, closed } = webSocket(address);
    await opened;
    running.signal("SIGTERM");
    assertEquals(await closed, 1001);
    assertEquals(await running.exitCode(), 0);
    leftInOrder(running);
  });
}

Deno.test("under auto-reload, idle connections and WebSockets hold up no reload", async () => {
  const { master, addresses: [address = ""] } = await start(
    { ini: "http-socket = 127.0.0.1:0" },
    "auto-reload = true\nkeepalive-reload-mercy = 600",
  );
  await using running = master;
  for (let save = 0; save < 3; save++) {
    using idle = await connectTo(address);
    const { opened, closed } = webSocket(address);
    await ask(idle, "/one");
    await opened;
    assertEquals((await running.reload()).outcome, "done");
    assertEquals(await closed, 1001);
    assertEquals(await until(idle, "\0"), "<end>");
  }
  await running.until(() => running.count("gone") === 3, "end of the old workers");
  leftInOrder(running);
});

Deno.test("at a reload WebSockets stay", async () => {
  const { master, addresses: [address = ""] } = await start({ ini: "http-socket = 127.0.0.1:0" });
  await using running = master;
  const { socket, opened, closed } = webSocket(address);
  await opened;
  using idle = await connectTo(address);
  await ask(idle, "/one");
  assertEquals((await running.reload()).outcome, "done");
  assertEquals(await until(idle, "\0"), "<end>");
  assertEquals([socket.readyState, running.count("gone")], [WebSocket.OPEN, 0]);
  socket.close();
  await closed;
  await running.waitFor("gone");
  leftInOrder(running);
});

/** What terminus, stoppable, Apollo and Nitro do at a signal: they end connections without a request. */
const GRACEFUL_APP = `import http from "node:http";
const open = new Map();
let stopping = false;
const server = http.createServer((request, response) => {
  const { socket } = request;
  open.set(socket, open.get(socket) + 1);
  response.on("finish", () => {
    open.set(socket, open.get(socket) - 1);
    if (stopping) socket.end();
  });
  response.end(JSON.stringify({ pid: process.pid }));
});
server.on("connection", (socket) => {
  open.set(socket, 0);
  socket.on("close", () => open.delete(socket));
});
process.on("SIGTERM", () => {
  stopping = true;
  server.close(() => process.exit(0));
  for (const [socket, requests] of open) if (requests === 0) socket.end();
});
server.listen(3000);`;

/** What http-server does. */
const SUDDEN_APP = `import http from "node:http";
process.on("SIGTERM", () => process.exit(0));
http.createServer((request, response) => response.end(JSON.stringify({ pid: process.pid }))).listen(3000);`;

for (const [what, app] of [["ends what is idle", GRACEFUL_APP], ["exits", SUDDEN_APP]] as const) {
  Deno.test(`a script that ${what} at its signal loses no request in a reload`, async () => {
    const { master, addresses: [address = ""] } = await start(
      { ini: "http-socket = 127.0.0.1:0\nprocesses = 2", app },
      "keepalive-reload-mercy = 5",
    );
    await using running = master;
    await reloadUnderLoad(running, address, { "close": 4, "keep-alive": 4, "idle": 4 }, 2);
    leftInOrder(running);
  });
}

/** Says when it got its signal, and leaves when its server has no client any more. */
const SIGNAL_APP =
  NODE_WS_APP.replace("http.createServer((", "const server = http.createServer(async (")
    .replace("=> response.end(", "=> { if (request.url === '/wait') await there(); response.end(")
    .replace("request.url)).on", "request.url); }).on") + `
process.on("SIGTERM", () => {
  console.error("got its signal");
  server.close(() => process.exit(0));
});
async function there() {
  while (!await Deno.stat("go").then(() => true, () => false)) await new Promise((done) => setTimeout(done, 20));
}`;

Deno.test("WebSockets do not keep a script's signal back", async () => {
  const { master, addresses: [address = ""] } = await start({
    ini: "http-socket = 127.0.0.1:0",
    app: SIGNAL_APP,
  });
  await using running = master;
  const { socket, opened, closed } = webSocket(address);
  await opened;
  using idle = await connectTo(address);
  await ask(idle, "/one");
  assertEquals((await running.reload()).outcome, "done");
  await running.until(() => running.output.includes("got its signal"), "signal");
  socket.close();
  await closed;
  idle.close();
  await running.waitFor("gone");
  leftInOrder(running);
});

Deno.test("requests keep a script's signal back for half of the mercy", async () => {
  const { master, addresses: [address = ""] } = await start(
    { ini: "http-socket = 127.0.0.1:0", app: SIGNAL_APP },
    "worker-reload-mercy = 20",
  );
  await using running = master;
  using client = await connectTo(address);
  await client.write(new TextEncoder().encode(get("/wait")));
  const answer = until(client, "answer to /wait");
  assertEquals((await running.reload()).outcome, "done");
  await running.until(() => running.output.includes("got its signal"), "signal");
  assertEquals(running.count("gone"), 0);
  running.touch("go");
  assertMatch(await answer, /^HTTP\/1\.1 200 /);
  client.close();
  await running.waitFor("gone");
  leftInOrder(running);
});

Deno.test("a script that handles signals comes back when its successor fails", async () => {
  const { master, addresses: [address = ""] } = await start({
    ini: "http-socket = 127.0.0.1:0\nprocesses = 2",
    app: GRACEFUL_APP,
  });
  await using running = master;
  const pids = () =>
    Promise.all(
      Array.from({ length: 8 }, async () => JSON.parse(await getText(`http://${address}/`)).pid),
    );
  const before = new Set(await pids());
  running.write({
    "app.js": `${GRACEFUL_APP}\nif (Deno.env.get("UWSGI_WORKER_ID") !== "") {
  const first = await Deno.stat("first").then(() => false, () => true);
  if (first) Deno.writeTextFileSync("first", "");
  else throw new Error("broken");
}`,
  });
  const { outcome } = await running.reload();
  assertEquals(outcome, "rolled-back");
  await running.until(async () => (await pids()).every((pid) => before.has(pid)), "old workers");
  assert(running.count("reinstated") > 0);
});

for (const count of [100, 300]) {
  Deno.test(`all of ${count} WebSockets get their close frame, with 512 descriptors`, async () => {
    const { master, addresses: [address = ""] } = await start(
      { ini: "http-socket = 127.0.0.1:0" },
      "max-fd = 512\nworker-reload-mercy = 15",
    );
    await using running = master;
    const sockets = Array.from({ length: count }, () => webSocket(address));
    await Promise.all(sockets.map(({ opened }) => opened));
    assertEquals((await running.reload()).outcome, "done");
    const codes = new Set(await Promise.all(sockets.map(({ closed }) => closed)));
    assertEquals([...codes], [1001]);
    await running.waitFor("gone");
    leftInOrder(running);
  });
}

Deno.test("a worker that has all but no descriptors leaves in order", async () => {
  const { master, addresses: [address = ""] } = await start(
    { ini: "http-socket = 127.0.0.1:0" },
    "max-fd = 128\nmax-connections = 120\nworker-reload-mercy = 15",
  );
  await using running = master;
  const free = () => 128 - [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
  const pid = running.processes().find((one) => one !== running.pid) ?? 0;
  await running.until(() => free() > 0, "worker");
  const sockets: ReturnType<typeof webSocket>[] = [];
  while (free() > 2) {
    const one = webSocket(address);
    await one.opened;
    sockets.push(one);
  }
  assertEquals((await running.reload()).outcome, "done");
  const codes = new Set(await Promise.all(sockets.map(({ closed }) => closed)));
  assertEquals([...codes], [1001]);
  await running.waitFor("gone");
  leftInOrder(running);
});
