/** Idle connections of a worker that leaves: requests that cross their end, and thousands of them. */
import { assert, assertEquals } from "@std/assert";
import { readyMaster, type RunningMaster } from "../helpers/running_master.ts";
import { connectTo } from "../helpers/stats.ts";

const APP = `import uwsgi from "uwsgi";
uwsgi.serve((request) => {
  const { pathname } = new URL(request.url);
  console.error("got " + pathname);
  return new Response("answer to " + pathname);
});`;

const NODE_APP = `import http from "node:http";
http.createServer((request, response) => {
  console.error("got " + request.url);
  response.end("answer to " + request.url);
}).listen(3000);`;

interface Kind {
  readonly socket?: string;
  readonly app?: string;
}

const TCP = "http-socket = 127.0.0.1:0";
const SANDBOX: Kind = { socket: `${TCP}\nallow-read = .` };

/** Nobody waits until it is over (ten minutes). */
const SETTINGS = `worker-reload-mercy = 600
chain-reload-verify = 0
touch-chain-reload = reload
deno-worker-override = app.js`;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Sends a request, and reads its answer, or as far as it comes. */
async function ask(connection: Deno.Conn, path: string): Promise<string> {
  const request = `GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`;
  await connection.write(new TextEncoder().encode(request)).catch(() => {});
  const bytes = new Uint8Array(4096);
  let text = "";
  while (!text.includes(`answer to ${path}`)) {
    const length = await connection.read(bytes).catch(() => "<reset>" as const);
    if (length === null) return `${text}<end>`;
    if (length === "<reset>") return `${text}<reset>`;
    text += new TextDecoder().decode(bytes.subarray(0, length));
  }
  return text;
}

function assertLeftInOrder(running: RunningMaster): void {
  const gone = running.events.filter(({ event }) => event === "gone");
  for (const { message } of gone) assert(message.includes("exited with code 0"), message);
  assertEquals(running.count("killing"), 0);
}

/** How long a connection may be idle (ms), and so many ask around the end of that time. */
const IDLE_MS = 1_000;
const CLIENTS = 60;
/** When clients ask, in shares of that time: earlier, later, and then at the very moment. */
const PAUSES = [0.8, 1.4, 1, 1.1, 1.2, 1, 1.1, 1.2];
/** How far from that they are spread. */
const SPREAD = 0.2;

/** Asks at the very moment in which idle connections end. */
async function crossTheEnd({ socket = TCP, app = APP }: Kind): Promise<void> {
  const { master, addresses: [address = ""] } = await readyMaster({
    ini: `${socket}\nkeepalive-reload-mercy = ${IDLE_MS / 1000}\n${SETTINGS}`,
    files: { "app.js": app },
  });
  await using running = master;
  const seen = { answered: 0, ended: 0 };
  /** False: the end came in order, without a byte of an answer, and nobody has begun with the request. */
  const isAnswered = async (connection: Deno.Conn, path: string) => {
    const answer = await ask(connection, path);
    if (answer.includes(`answer to ${path}`)) return true;
    assertEquals(answer, "<end>");
    assertEquals(running.output.filter((line) => line.includes(`got ${path}`)), []);
    return false;
  };
  const client = async (connection: Deno.Conn, number: number, round: number) => {
    const path = (nth: string) => `/${nth}-${round}-${number}-`;
    // The first answer of a worker that leaves does not ask its client to go.
    if (await isAnswered(connection, path("second"))) {
      const spread = (number / CLIENTS - 0.5) * SPREAD;
      await pause(IDLE_MS * ((PAUSES[round] ?? 1) + spread));
      if (await isAnswered(connection, path("third"))) return void (seen.answered += 1);
    }
    seen.ended += 1;
  };
  for (let round = 0; round < PAUSES.length; round++) {
    if (round >= 3 && seen.answered > 0 && seen.ended > 0) break;
    using connections = new DisposableStack();
    const idle: Deno.Conn[] = [];
    for (let number = 0; number < CLIENTS; number++) {
      const connection = connections.use(await connectTo(address));
      await ask(connection, `/first-${round}-${number}-`);
      idle.push(connection);
    }
    const from = running.events.length;
    running.touch("reload");
    await running.waitFor("retiring", () => true, from);
    await Promise.all(idle.map((one, number) => client(one, number, round)));
    connections.dispose();
    await running.until(() => running.count("gone") === round + 1, "end of the old worker");
  }
  assert(seen.answered > 0 && seen.ended > 0, JSON.stringify(seen));
  assertLeftInOrder(running);
}

Deno.test("a request that crosses the end of its idle connection is answered, or not begun", () =>
  crossTheEnd({}));

Deno.test("a request that crosses the end of an idle connection to node:http is answered, or not begun", () =>
  crossTheEnd({ app: NODE_APP }));

Deno.test("a request that crosses the end of an idle connection on a Unix socket is answered, or not begun", () =>
  crossTheEnd({ socket: "http-socket = %DIR%/app.sock" }));

Deno.test("a request that crosses the end of an idle connection in a sandbox is answered, or not begun", () =>
  crossTheEnd(SANDBOX));

/** Stops a worker that has 1,500 idle connections. */
async function endThousands({ socket = TCP, app = APP }: Kind): Promise<void> {
  const { master, addresses: [address = ""] } = await readyMaster({
    ini: `${socket}
keepalive-stop-mercy = 0.5
worker-reload-mercy = 12
max-fd = 4096
listen = 1024
deno-worker-override = app.js`,
    files: { "app.js": app },
  });
  await using running = master;
  const ends: Promise<number | null>[] = [];
  using connections = new DisposableStack();
  for (let number = 0; number < 1_500; number++) {
    const connection = connections.use(await connectTo(address));
    // Most have never asked for anything, as those that browsers and proxies open ahead.
    if (number % 100 === 0) await ask(connection, `/${number}`);
    ends.push(connection.read(new Uint8Array(1)));
  }
  running.signal("SIGTERM");
  assertEquals(new Set(await Promise.all(ends)), new Set([null]));
  connections.dispose();
  assertEquals(await running.exitCode(), 0);
  assertLeftInOrder(running);
}

Deno.test("1,500 idle connections end in order, long before the mercy is over", () =>
  endThousands({}));

Deno.test("1,500 idle connections of a sandboxed worker end in order, long before the mercy is over", () =>
  endThousands(SANDBOX));
