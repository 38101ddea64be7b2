/** Servers of node on sockets that speak more than HTTP: TLS, the PROXY protocol, the uwsgi protocol. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path/posix";
import { connectTo, type Target } from "../helpers/load/target.ts";
import { lineHeader } from "../helpers/proxy_header.ts";
import { loseNothing } from "../helpers/reload_load.ts";
import { readyMaster, type RunningMaster, startMaster } from "../helpers/running_master.ts";
import { exchange, joined, readAll, requestPacket, targetOf } from "../helpers/uwsgi_client.ts";

const APPS = fromFileUrl(new URL("../fixtures/apps/plain/", import.meta.url));
const CERTIFICATE = Deno.readTextFileSync(
  new URL("../fixtures/certificates/first.pem", import.meta.url),
);
const FILES = {
  "cert.pem": { fixture: "certificates/first.pem" },
  "key.pem": { fixture: "certificates/first_key.pem" },
};
const HTTPS = "https-socket = localhost:0,cert.pem,key.pem";
const PROXY = "http-socket = 127.0.0.1:0\nenable-proxy-protocol = true";
const UWSGI = "uwsgi-socket = 127.0.0.1:0";
// Behind the PROXY protocol, servers of Deno talk to themselves.
const SANDBOX = "\nallow-net = 127.0.0.1";

const encode = (text: string) => new TextEncoder().encode(text);

function ini(socket: string, app = "node_shows.ts"): string {
  return `${socket}
processes = 2
worker-reload-mercy = 20
chain-reload-verify = 0
touch-chain-reload = reload
log-format = logged %(method) %(uri) %(status) %(addr)
deno-worker-override = ${APPS}${app}`;
}

/** What the app says of a request. */
interface Shown {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly client: string;
  readonly port: number;
  readonly encrypted: boolean;
  readonly bytes: number;
}

function shownIn(answers: string): Shown[] {
  return [...answers.matchAll(/\r\n\r\n(\{.*?\})(?=HTTP|\r\n|$)/gs)].map(([, text = ""]) =>
    JSON.parse(text) as Shown
  );
}

const GET = "GET /a/../b?c HTTP/1.1\r\nHost: a.example\r\n\r\n";
const LAST = "GET /last HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";
const BODY = "x".repeat(200_000);
const POST =
  `POST /post HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;
const CHUNKED = "POST /chunks HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n" +
  "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
const UPGRADE =
  "GET /echo HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello";

/** Says something on a connection of its own, in parts, and hears everything. */
async function talk(target: Target, parts: readonly string[]) {
  using connection = await connectTo(target, AbortSignal.timeout(20_000));
  const { port } = connection.localAddr as Deno.NetAddr;
  const heard = readAll(connection);
  for (const part of parts) {
    const bytes = encode(part);
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  }
  return { text: await heard, port };
}

/** Upgrades, and hears what it has said before and after. */
async function upgrade(target: Target, request: Uint8Array): Promise<string> {
  using connection = await connectTo(target, AbortSignal.timeout(20_000));
  await connection.write(request);
  const bytes = new Uint8Array(1_000);
  const decoder = new TextDecoder();
  let text = "";
  const until = async (end: string) => {
    while (!text.endsWith(end)) {
      const length = await connection.read(bytes);
      if (length === null) throw new Error(`It ended behind ${text}`);
      text += decoder.decode(bytes.subarray(0, length));
    }
  };
  await until("hello");
  await connection.write(encode("again"));
  await until("again");
  return text;
}

/** Everything that HTTP can do, with what comes first on each connection. */
async function assertSpeaksHttp(target: Target, first: string, client: string, port?: number) {
  const { text, port: own } = await talk(target, [first + GET + GET, POST, CHUNKED, LAST]);
  const shown = shownIn(text);
  assertEquals(shown.map(({ method, url, bytes }) => [method, url, bytes]), [
    ["GET", "/a/../b?c", 0],
    ["GET", "/a/../b?c", 0],
    ["POST", "/post", BODY.length],
    ["POST", "/chunks", 5],
    ["GET", "/last", 0],
  ]);
  const expected = [client, port ?? own, "caCerts" in target];
  for (const { client, port, encrypted } of shown) {
    assertEquals([client, port, encrypted], expected as [string, number, boolean]);
  }
  const upgraded = await upgrade(target, encode(first + UPGRADE));
  assertMatch(upgraded, /^HTTP\/1\.1 101 .*helloagain$/s);
  assertStringIncludes(upgraded, `X-Client: ${client}\r\n`);
}

async function logged(running: RunningMaster, line: string): Promise<void> {
  // The log of a sandboxed worker goes through its standard error.
  const has = () =>
    running.events.some(({ message }) => message === `logged ${line}`) ||
    running.output.some((text) => text.includes(`"logged ${line}"`));
  await running.until(has, `line ${line} in the request log`);
}

function tlsTarget(address: string): Target {
  const port = Number(address.split(":").at(-1));
  return { hostname: "localhost", port, caCerts: [CERTIFICATE] };
}

for (const sandbox of ["", SANDBOX]) {
  const where = sandbox === "" ? "" : ", in a sandbox";

  Deno.test(`a node:http server speaks HTTP over TLS on an https-socket, and nothing in the clear${where}`, async () => {
    const { master, addresses: [address = ""] } = await readyMaster({
      ini: ini(HTTPS + sandbox),
      files: FILES,
    });
    await using running = master;
    await assertSpeaksHttp(tlsTarget(address), "", "127.0.0.1");
    await logged(running, "POST /post 200 127.0.0.1");
    const port = Number(address.split(":").at(-1));
    using connection = await Deno.connect({ hostname: "localhost", port });
    await connection.write(encode(LAST));
    const clear = await readAll(connection).catch(() => "");
    assertEquals(clear.includes("HTTP/1.1"), false);
    assertEquals(await running.stop(), 0);
  });

  Deno.test(`a node:http server behind the PROXY protocol knows its clients${where}`, async () => {
    const { master, addresses: [address = ""] } = await readyMaster({ ini: ini(PROXY + sandbox) });
    await using running = master;
    const header = lineHeader("192.0.2.7", 4711);
    await assertSpeaksHttp(targetOf(address), header, "192.0.2.7", 4711);
    await logged(running, "POST /post 200 192.0.2.7");
    // The header in two parts, and none at all.
    const { text } = await talk(targetOf(address), [header.slice(0, 9), header.slice(9), LAST]);
    assertEquals(shownIn(text)[0]?.client, "192.0.2.7");
    assertEquals((await talk(targetOf(address), [LAST])).text, "");
    await running.until(
      () => running.output.some((line) => line.includes("does not begin with a header")),
      "line about the missing header",
    );
    assertEquals(await running.stop(), 0);
  });

  Deno.test(`a node:http server is asked in the uwsgi protocol${where}`, async () => {
    const { master, addresses: [address = ""] } = await readyMaster({ ini: ini(UWSGI + sandbox) });
    await using running = master;
    const named = {
      REMOTE_ADDR: "192.0.2.7",
      REMOTE_PORT: "4711",
      HTTPS: "on",
      HTTP_HOST: "a.example",
      HTTP_X_NAME: "value",
      // They are about another connection.
      HTTP_CONNECTION: "keep-alive",
      HTTP_UPGRADE: "websocket",
    };
    const answer = await exchange(address, requestPacket("/a/../b?c=%20", named));
    assertMatch(answer, /^HTTP\/1\.1 200 OK\r\n/);
    assertEquals(/transfer-encoding/i.test(answer), false);
    assertEquals(shownIn(answer), [{
      method: "GET",
      url: "/a/../b?c=%20",
      headers: { host: "a.example", "x-name": "value" },
      client: "192.0.2.7",
      port: 4711,
      encrypted: true,
      bytes: 0,
    }]);
    await logged(running, "GET /a/../b?c=%20 200 192.0.2.7");
    const more = { REQUEST_METHOD: "POST", CONTENT_LENGTH: String(BODY.length) };
    const posted = await exchange(address, joined([requestPacket("/p", more), encode(BODY)]));
    assertEquals(shownIn(posted)[0]?.bytes, BODY.length);
    // nginx passes on what comes behind status 101, in both directions.
    const asked = { ...named, HTTP_CONNECTION: "keep-alive, Upgrade", HTTP_UPGRADE: "echo" };
    const packet = joined([requestPacket("/echo", asked), encode("hello")]);
    const upgraded = await upgrade(targetOf(address), packet);
    assertMatch(upgraded, /^HTTP\/1\.1 101 .*X-Client: 192\.0\.2\.7\r\n.*helloagain$/s);
    await logged(running, "GET /echo 101 192.0.2.7");
    const split = requestPacket("/", { HTTP_X: "a\r\nb: c" });
    assertMatch(await exchange(address, split), /^HTTP\/1\.1 400 .*cannot be a header\n$/s);
    const method = requestPacket("/", { REQUEST_METHOD: "GET / HTTP/1.1\r\n" });
    assertMatch(await exchange(address, method), /^HTTP\/1\.1 400 .*is no method\n$/s);
    assertEquals(await running.stop(), 0);
  });
}

Deno.test("a node:http server on an https-socket is reloaded under load without loss", async () => {
  const { master, addresses: [address = ""] } = await readyMaster({
    ini: ini(HTTPS, "node_http.ts"),
    files: FILES,
  });
  await using running = master;
  const end = new AbortController();
  const mix = { "close": 2, "keep-alive": 2, "idle": 1, "post": 1, "split-header": 1, "sse": 1 };
  const load = loseNothing([tlsTarget(address)], mix, end.signal);
  await reloadTwice(running);
  end.abort();
  const pids = new Set((await load).flatMap(({ pids }) => [...pids]));
  assert(pids.size > 2, `only ${pids.size} workers have answered`);
});

/** One request on a connection of its own, and whether its answer is one. */
const ASKED: Readonly<Record<string, (address: string) => Promise<string>>> = {
  [UWSGI]: (address) => exchange(address, requestPacket("/")),
  [PROXY]: async (address) =>
    (await talk(targetOf(address), [lineHeader("192.0.2.7", 4711), LAST])).text,
};

for (const [socket, ask] of Object.entries(ASKED)) {
  Deno.test(`a node:http server on ${socket.replace("\n", " with ")} is reloaded under load without loss`, async () => {
    const { master, addresses: [address = ""] } = await readyMaster({ ini: ini(socket) });
    await using running = master;
    let over = false;
    const answers = Array.from({ length: 4 }, async () => {
      const lost: string[] = [];
      while (!over) {
        const answer = await ask(address).catch(String);
        if (!/^HTTP\/1\.1 200 .*"bytes":0\}(\r\n0\r\n\r\n)?$/s.test(answer)) lost.push(answer);
      }
      return lost;
    });
    await reloadTwice(running);
    over = true;
    assertEquals((await Promise.all(answers)).flat(), []);
  });
}

async function reloadTwice(running: RunningMaster): Promise<void> {
  for (let i = 0; i < 2; i++) assertEquals((await running.reload()).outcome, "done");
  await running.until(() => running.count("gone") === 4, "end of the old workers");
  assertEquals(running.count("killing"), 0);
}

Deno.test("bytes of a node:net server and streams of node:http2 are behind TLS on an https-socket as well", async () => {
  const app = `import { createServer } from "node:net";
import http2 from "node:http2";
createServer((socket) => void socket.pipe(socket)).listen(3000);
http2.createServer((_request, response) => void response.end("two")).listen(3001);`;
  const { master, addresses: [bytes = "", streams = ""] } = await readyMaster({
    ini: `${HTTPS}\n${HTTPS}\ndeno-worker-override = app.ts`,
    files: { ...FILES, "app.ts": app },
  });
  await using running = master;
  using connection = await connectTo(tlsTarget(bytes), AbortSignal.timeout(20_000));
  await connection.write(encode("hello"));
  const heard = new Uint8Array(100);
  assertEquals(await connection.read(heard), 5);
  using client = Deno.createHttpClient({ caCerts: [CERTIFICATE], http1: false, http2: true });
  const url = `https://localhost:${streams.split(":").at(-1)}/`;
  assertEquals(await (await fetch(url, { client })).text(), "two");
  connection.close();
  client.close();
  assertEquals(running.count("died"), 0);
});

Deno.test("a node server that a socket cannot have is refused at the start, where the script listens", async () => {
  const cases = [
    ["https", UWSGI, /node:https or node:tls cannot listen on .*uwsgi protocol/],
    ["http2", UWSGI, /node:http2 cannot listen on .*uwsgi protocol/],
    ["https", PROXY, /node:https or node:tls cannot listen on .*enable-proxy-protocol/],
    ["http2", PROXY, /node:http2 cannot listen on .*enable-proxy-protocol/],
  ] as const;
  for (const [module, socket, line] of cases) {
    await using running = startMaster({
      ini: `${socket}\ndeno-worker-override = app.ts`,
      files: {
        "app.ts": `import { createServer } from "node:${module}";\ncreateServer({}).listen(3000);`,
      },
    });
    await running.exitCode();
    const { why } = await running.waitFor("startFailed");
    assertMatch(String(why), line);
    assertMatch(String(why), /app\.ts:2:\d+\)$/);
  }
});
