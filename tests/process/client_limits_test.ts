/** What clients can take of workers and of the master, with real connections: descriptors and time. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { readyMaster, type RunningMaster } from "../helpers/running_master.ts";
import { connectTo, readStats, statsAddresses } from "../helpers/stats.ts";
import { requestPacket } from "../helpers/uwsgi_client.ts";

/**
 * Answers with what it got; `/wait` as soon as there is a file `go`, `/events` with a stream that says
 * something at its begin and its end, which comes with `go` as well, `/big` with 20 MB.
 */
const ANSWER = `
const there = async () => {
  while (!await Deno.stat("go").then(() => true, () => false)) await new Promise((done) => setTimeout(done, 20));
};
const answer = async (request) => {
  const { pathname } = new URL(request.url);
  console.error("got " + pathname);
  if (pathname === "/ws") {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => { if (data !== "be quiet") socket.send("echo " + data); };
    return response;
  }
  if (pathname === "/wait") await there();
  if (pathname === "/events") {
    const encoder = new TextEncoder();
    return new Response(new ReadableStream({
      async start(to) {
        to.enqueue(encoder.encode("data: begin\\n\\n"));
        await there();
        to.enqueue(encoder.encode("data: end\\n\\n"));
        to.close();
      },
    }));
  }
  if (pathname === "/big") return new Response(new Uint8Array(BIG));
  const body = request.method === "POST" ? await request.text() : "";
  return new Response("answer to " + pathname + " " + body.length);
};
`.replace("BIG", "20_000_000");

const DENO_APP = `import uwsgi from "uwsgi";\n${ANSWER}\nuwsgi.serve(answer);`;

const NODE_APP = `import http from "node:http";
const there = async () => {
  while (!await Deno.stat("go").then(() => true, () => false)) await new Promise((done) => setTimeout(done, 20));
};
http.createServer(async (request, response) => {
  console.error("got " + request.url);
  if (request.url === "/wait") await there();
  let length = 0;
  try {
    for await (const piece of request) length += piece.length;
  } catch { return; }
  response.end("answer to " + request.url + " " + length);
}).listen(3000);`;

async function start(ini: string, app = DENO_APP, socket = "http-socket = 127.0.0.1:0") {
  const { master, addresses } = await readyMaster({
    ini: `${socket}\nworker-reload-mercy = 10\n${ini}\ndeno-worker-override = app.js`,
    files: { "app.js": app },
  });
  return { master, address: addresses[0] ?? "" };
}

/** Only failures take that long (30 s). */
const PATIENCE_MS = 30_000;

/** A client that reads and writes bytes itself. */
class Client implements Disposable {
  readonly #connection: Deno.Conn;

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** Connects, and says something. */
  static async connect(address: string, text = ""): Promise<Client> {
    return await Client.over(await connectTo(address), text);
  }

  /** Says something on a connection, which is its own from now on. */
  static async over(connection: Deno.Conn, text: string): Promise<Client> {
    const client = new Client(connection);
    await client.say(text);
    return client;
  }

  async say(text: string | Uint8Array): Promise<void> {
    let rest = typeof text === "string" ? new TextEncoder().encode(text) : text;
    while (rest.length > 0) rest = rest.subarray(await this.#connection.write(rest));
  }

  /** Says one letter after the other, until the connection ends or `stop()`, which tells how many. */
  drip(text = ""): { readonly stop: () => Promise<number> } {
    let at = 0;
    let stopped = false;
    const dripping = (async () => {
      while (!stopped) {
        await this.say(text[at++] ?? "x");
        await new Promise((done) => setTimeout(done, 20));
      }
    })().catch(() => {});
    return { stop: () => (stopped = true, dripping.then(() => at)) };
  }

  /** What comes until it includes `end`, or the connection ends (`<end>`). */
  async until(end: string): Promise<string> {
    let text = "";
    const bytes = new Uint8Array(65_536);
    const timer = setTimeout(() => this.#connection.close(), PATIENCE_MS);
    try {
      while (!text.includes(end)) {
        const length = await this.#connection.read(bytes);
        if (length === null) return `${text}<end>`;
        text += new TextDecoder("latin1").decode(bytes.subarray(0, length));
      }
      return text;
    } finally {
      clearTimeout(timer);
    }
  }

  /** How many bytes come until the connection ends, or there are so many. */
  async count(most: number): Promise<number> {
    const bytes = new Uint8Array(65_536);
    let count = 0;
    while (count < most) {
      const length = await this.#connection.read(bytes);
      if (length === null) break;
      count += length;
    }
    return count;
  }

  [Symbol.dispose](): void {
    try {
      this.#connection.close();
    } catch {
      // It has taken too long.
    }
  }
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`;
const post = (length: number, begin: string) =>
  `POST / HTTP/1.1\r\nHost: test\r\nContent-Length: ${length}\r\n\r\n${begin}`;

/** Says in the uwsgi protocol what the two above say. */
const uwsgiGet = (path: string) => requestPacket(path);
const uwsgiPost = (length: number) =>
  requestPacket("/", { REQUEST_METHOD: "POST", CONTENT_LENGTH: String(length) });

const said = (running: RunningMaster, text: string) =>
  running.output.filter((line) => line.includes(text)).length;

/** Connections that nobody uses: more than the workers have descriptors for. */
async function crowd(address: string, size: number): Promise<Disposable> {
  const clients = await Promise.all(Array.from({ length: size }, () => Client.connect(address)));
  return {
    [Symbol.dispose]: () => clients.forEach((client) => client[Symbol.dispose]()),
  };
}

/** Each worker may have 80 descriptors, and has some 40 of them for itself. */
const FEW = "processes = 2\nmax-fd = 80\nlisten = 300\nhttp-headers-timeout = 0";
/** A sandbox has more of them for itself. */
const SANDBOXED = "allow-read = .";
const FEW_SANDBOXED = `${FEW.replace("80", "120")}\n${SANDBOXED}`;

async function outlivesACrowd(
  app: string,
  option: string,
  say: { readonly wait: string | Uint8Array; readonly upload: string | Uint8Array },
  few = FEW,
): Promise<void> {
  const { master, address } = await start(few, app, `${option} = 127.0.0.1:0`);
  await using running = master;
  using waiting = await Client.connect(address);
  await waiting.say(say.wait);
  await running.until(() => said(running, "got /wait") > 0, "request at work");
  using upload = await Client.connect(address);
  await upload.say(say.upload);
  await running.until(() => said(running, "got /") > 1, "upload at work");
  const crowded = await crowd(address, 250);
  await running.until(
    () => said(running, "accepts no more until some end") === 2,
    "workers that accept no more",
  );
  await upload.say("x".repeat(10));
  assertStringIncludes(await upload.until("answer to / 10"), "answer to / 10");
  running.touch("go");
  assertStringIncludes(await waiting.until("answer to /wait"), "answer to /wait");
  crowded[Symbol.dispose]();
  // Each worker has to accept again: siblings do not take what waits in its queue.
  const pids = running.acceptingPids();
  for (let served = 0; served < 12; served++) {
    using client = await Client.connect(address);
    await client.say(option === "uwsgi-socket" ? uwsgiGet("/after") : get("/after"));
    assertStringIncludes(await client.until("answer to /after"), "answer to /after");
  }
  assertEquals(running.acceptingPids(), pids, "no worker has been replaced");
  assertEquals(running.events.filter(({ event }) => event === "died" || event === "gone"), []);
}

Deno.test("a crowd that takes all descriptors ends no worker and no request", () =>
  outlivesACrowd(DENO_APP, "http-socket", { wait: get("/wait"), upload: post(10, "") }));

Deno.test("a crowd that takes all descriptors ends no node server", () =>
  outlivesACrowd(NODE_APP, "http-socket", { wait: get("/wait"), upload: post(10, "") }));

Deno.test("a crowd that takes all descriptors ends nothing on a uwsgi-socket", () =>
  outlivesACrowd(DENO_APP, "uwsgi-socket", { wait: uwsgiGet("/wait"), upload: uwsgiPost(10) }));

Deno.test("a crowd that takes all descriptors ends no sandboxed worker and no request", () =>
  outlivesACrowd(
    DENO_APP,
    "http-socket",
    { wait: get("/wait"), upload: post(10, "") },
    FEW_SANDBOXED,
  ));

Deno.test("a crowd that takes all descriptors ends no node server in a sandbox", () =>
  outlivesACrowd(
    NODE_APP,
    "http-socket",
    { wait: get("/wait"), upload: post(10, "") },
    FEW_SANDBOXED,
  ));

async function keepsToItsNumber(app: string): Promise<void> {
  const { master, address } = await start("max-connections = 3\nlisten = 20", app);
  await using running = master;
  const clients: Client[] = [];
  try {
    for (let i = 0; i < 3; i++) {
      const client = await Client.connect(address, get("/"));
      clients.push(client);
      await client.until("answer to /");
    }
    await running.until(
      () => said(running, "has 3 connections (max-connections, here 3)") === 1,
      "line",
    );
    using next = await Client.connect(address, get("/next"));
    // It waits while the others are served as before.
    await clients[0]?.say(get("/first"));
    assertStringIncludes(await clients[0]?.until("/first") ?? "", "answer to /first");
    assertEquals(said(running, "got /next"), 0);
    clients.pop()?.[Symbol.dispose]();
    assertStringIncludes(await next.until("/next"), "answer to /next");
  } finally {
    for (const client of clients) client[Symbol.dispose]();
  }
}

Deno.test("with max-connections the next client waits until one has gone", () =>
  keepsToItsNumber(DENO_APP));

Deno.test("with max-connections the next client of a node server waits", () =>
  keepsToItsNumber(NODE_APP));

Deno.test("a worker with too many clients is replaced as any other", async () => {
  const { master, address } = await start(
    "max-connections = 2\nlisten = 20\ntouch-chain-reload = %DIR%/reload",
  );
  await using running = master;
  using one = await Client.connect(address, get("/"));
  using other = await Client.connect(address, get("/"));
  await Promise.all([one.until("answer"), other.until("answer")]);
  await running.until(() => said(running, "accepts no more until some end") === 1, "line");
  using next = await Client.connect(address, get("/next"));
  await running.reload();
  assertStringIncludes(await next.until("/next"), "answer to /next");
});

const TIMES = "http-headers-timeout = 1\nhttp-body-timeout = 1";

async function endsTheSlow(app: string, more = ""): Promise<void> {
  const { master, address } = await start(`${TIMES}\n${more}`, app);
  await using running = master;
  using waiting = await Client.connect(address, get("/wait"));
  using silent = await Client.connect(address);
  using head = await Client.connect(address, "GET / HTTP/1.1\r\nHo");
  using second = await Client.connect(address, get("/"));
  await second.until("answer to /");
  const drips = second.drip("GET /second HTTP/1.1\r\nX: ");
  using body = await Client.connect(address, post(10, "abc"));
  // In order: an end, no reset.
  assertMatch(await silent.until("never"), /^(HTTP\/1.1 408[^]*)?<end>$/);
  assertMatch(await head.until("never"), /^(HTTP\/1.1 408[^]*)?<end>$/);
  assertMatch(await second.until("never"), /<end>$/);
  await drips.stop();
  assertEquals((await body.until("never")).includes("answer"), false);
  assertEquals(said(running, "got /second"), 0);
  assert(said(running, "http-headers-timeout") + said(running, "http-body-timeout") > 0);
  running.touch("go");
  assertStringIncludes(await waiting.until("/wait"), "answer to /wait");
}

Deno.test("slow heads and slow bodies end, a slow handler does not", () => endsTheSlow(DENO_APP));

Deno.test("slow heads and slow bodies of a node server end, a slow handler does not", () =>
  endsTheSlow(NODE_APP));

Deno.test("slow heads and slow bodies end in a sandbox, a slow handler does not", () =>
  endsTheSlow(DENO_APP, SANDBOXED));

Deno.test("no time ends a WebSocket, an event stream, a slow download or a slow upload", async () => {
  const { master, address } = await start(`${TIMES}\nhttp-keepalive-timeout = 1`);
  await using running = master;
  using events = await Client.connect(address, get("/events"));
  await events.until("data: begin");
  using socket = await Client.connect(
    address,
    "GET /ws HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  await socket.until("\r\n\r\n");
  // The last word is the client's, as in a head that does not go on.
  await socket.say(frame("be quiet"));
  using download = await Client.connect(address, get("/big"));
  using upload = await Client.connect(address, post(100_000, ""));
  const drips = upload.drip();
  // Three clients that are sent away one after the other are older than any limit that there is.
  for (let i = 0; i < 3; i++) {
    using idle = await Client.connect(address, get("/"));
    await idle.until("answer to /");
    assertEquals(await idle.until("never"), "<end>");
  }
  await upload.say("x".repeat(100_000 - await drips.stop()));
  assertStringIncludes(await upload.until("100000"), "answer to / 100000");
  await socket.say(frame("me"));
  assertStringIncludes(await socket.until("echo"), "echo me");
  assert(await download.count(20_000_000) >= 20_000_000);
  running.touch("go");
  assertStringIncludes(await events.until("data: end"), "data: end");
  assertEquals(said(running, "ends the connection"), 0);
});

/** A masked text frame (RFC 6455, 5.2), with a mask that changes nothing. */
function frame(text: string): Uint8Array {
  return Uint8Array.of(0x81, 0x80 | text.length, 0, 0, 0, 0, ...new TextEncoder().encode(text));
}

async function endsIdle(more = ""): Promise<void> {
  const { master, address } = await start(`http-keepalive-timeout = 0.4\n${more}`);
  await using running = master;
  const ends = { answered: 0, closed: 0, lost: 0 };
  /** Sends a second request some time after the first, and says which one in its path. */
  const ask = async (number: number, round: number) => {
    using client = await Client.connect(address, get("/"));
    await client.until("answer to /");
    await new Promise((done) => setTimeout(done, 300 + number * 4));
    const path = `/second-${round}-${number}-`;
    const answer = await client.say(get(path)).then(() => client.until("answer"), () => "<end>")
      .catch(() => "<reset>");
    if (answer.includes("answer")) ends.answered += 1;
    else if (answer === "<end>") ends.closed += 1;
    else ends.lost += 1;
    // What was not answered has not been begun either.
    if (!answer.includes("answer")) assertEquals(said(running, `got ${path}`), 0, path);
  };
  for (let round = 0; round < 3; round++) {
    await Promise.all(Array.from({ length: 100 }, (_, number) => ask(number, round)));
  }
  assertEquals(ends.lost, 0);
  assert(ends.answered > 0 && ends.closed > 0, JSON.stringify(ends));
}

Deno.test("a connection that ends idle takes no request with it", () => endsIdle());

Deno.test("a connection that ends idle in a sandbox takes no request with it", () =>
  endsIdle(SANDBOXED));

Deno.test("a body in the uwsgi protocol that does not go on ends", async () => {
  const { master, address } = await start(TIMES, DENO_APP, "uwsgi-socket = 127.0.0.1:0");
  await using running = master;
  using client = await Client.connect(address);
  await client.say(uwsgiPost(10));
  assertMatch(await client.until("never"), / 500 [^]*<end>$/);
  assert(said(running, "http-body-timeout") > 0);
});

Deno.test("a master without descriptors goes on when there are some", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
stats = 127.0.0.1:0
control-socket = %DIR%/ctl.sock
touch-chain-reload = %DIR%/reload
deno-worker-override = app.js`,
    files: { "app.js": DENO_APP },
    launcher: ["prlimit", "--nofile=60:60"],
  });
  await using running = master;
  const [stats = ""] = statsAddresses(running);
  {
    using _stats = await crowd(stats, 40);
    using _control = await crowd(running.path("ctl.sock"), 40);
    // The one that workers call, which only this user finds.
    const own = [...Deno.readDirSync(running.directory)].find(({ name }) =>
      name.startsWith("duwsgi-")
    );
    using _calls = await crowd(running.path(`${own?.name}/control.sock`), 60);
    await running.waitFor("clientRefused");
    assertStringIncludes(await getText(`http://${addresses[0]}/`), "answer to /");
  }
  await running.until(
    () => readStats(stats).then(({ workers }) => workers.length === 1, () => false),
    "stats",
  );
  await running.reload();
  assertStringIncludes(await getText(`http://${addresses[0]}/`), "answer to /");
});

Deno.test("slow handshakes and slow heads end under TLS, what is answered does not", async () => {
  const { master, addresses } = await readyMaster({
    ini: `https-socket = 127.0.0.1:0,cert.pem,key.pem\n${TIMES}\ndeno-worker-override = app.js`,
    files: {
      "app.js": DENO_APP,
      "cert.pem": { fixture: "certificates/first.pem" },
      "key.pem": { fixture: "certificates/first_key.pem" },
    },
  });
  await using running = master;
  const [address = ""] = addresses;
  const port = Number(/\d+$/.exec(address)?.[0]);
  const caCerts = [running.read("cert.pem")];
  const secure = async (text = "") => {
    const connection = await Deno.connectTls({ hostname: "localhost", port, caCerts });
    return await Client.over(connection, text);
  };
  using answered = await secure(get("/"));
  await answered.until("answer to /");
  using waiting = await secure(get("/wait"));
  using silent = await Client.connect(address);
  using begun = await Client.connect(address, "\x16\x03\x01");
  using head = await secure("GET / HTTP/1.1\r\nHo");
  // Only TCP ends in order here: TLS would have a word for it.
  const over = (client: Client) => client.until("never").catch(String);
  for (const client of [silent, begun, head]) {
    assertMatch(await over(client), /<end>$|close_notify/);
  }
  running.touch("go");
  assertStringIncludes(await waiting.until("/wait"), "answer to /wait");
  // Idle it is, and no limit says how long it may be.
  await answered.say(get("/again"));
  assertStringIncludes(await answered.until("/again"), "answer to /again");
});
