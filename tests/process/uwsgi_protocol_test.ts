/** The uwsgi protocol, with clients that are no proxies and do not behave. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path/posix";
import { getText } from "../helpers/http.ts";
import { connectTo } from "../helpers/load/target.ts";
import { readyMaster, type RunningMaster } from "../helpers/running_master.ts";
import { readStats } from "../helpers/stats.ts";
import {
  exchange,
  fields,
  joined,
  packet,
  readAll,
  requestPacket,
  targetOf,
} from "../helpers/uwsgi_client.ts";

const APP = fromFileUrl(new URL("../fixtures/apps/proxied_app.ts", import.meta.url));

const SETTINGS = `socket-timeout = 0.5
worker-reload-mercy = 5
log-requests = true
stats = %DIR%/stats.sock
deno-worker-override = ${APP}`;

/** What the app shows of a request. */
interface Shown {
  readonly url: string;
  readonly method: string;
  readonly client: Deno.Addr;
  readonly headers: Readonly<Record<string, string>>;
  readonly subject: string | null;
}

function bodyOf(answer: string): string {
  return answer.slice(answer.indexOf("\r\n\r\n") + 4);
}

async function show(address: string, bytes: Uint8Array): Promise<Shown> {
  return JSON.parse(bodyOf(await exchange(address, bytes))) as Shown;
}

function post(path: string, body: Uint8Array, length = body.length): Uint8Array {
  const more = { REQUEST_METHOD: "POST", CONTENT_LENGTH: String(length) };
  return joined([requestPacket(path, more), body]);
}

async function heard(running: RunningMaster, line: string): Promise<void> {
  await running.until(() => running.output.some((one) => one.includes(line)), `line "${line}"`);
}

Deno.test("requests in the uwsgi protocol are served, counted and logged, over TCP and a Unix socket", async () => {
  const { master, addresses } = await readyMaster({
    ini: `uwsgi-socket = 127.0.0.1:0\nsocket = app.sock\nprotocol = uwsgi\n${SETTINGS}`,
  });
  await using running = master;
  const [tcp = "", unix = ""] = addresses;
  for (const address of [tcp, running.path(unix)]) {
    const shown = await show(
      address,
      requestPacket("/a?b=c", {
        HTTPS: "on",
        HTTP_HOST: "example.org",
        REMOTE_ADDR: "192.0.2.7",
        REMOTE_PORT: "1234",
        SSL_CLIENT_S_DN: "CN=me",
      }),
    );
    assertEquals(shown, {
      url: "https://example.org/a?b=c",
      method: "GET",
      client: { transport: "tcp", hostname: "192.0.2.7", port: 1234 },
      headers: { host: "example.org" },
      subject: "CN=me",
    });
    const body = new Uint8Array(1_000_000).fill(97);
    assertEquals(bodyOf(await exchange(address, post("/length", body))), "1000000");
    assertEquals(bodyOf(await exchange(address, post("/echo", body))).length, 1_000_000);
    assertEquals(bodyOf(await exchange(address, requestPacket("/big"))).length, 1_000_000);
    // A body that nobody reads must not cost the response.
    assertEquals(bodyOf(await exchange(address, post("/unread", body))), "unread");
    const ignored = joined([requestPacket("/", { CONTENT_LENGTH: "3" }), body.subarray(0, 3)]);
    assertEquals((await show(address, ignored)).method, "GET");
  }
  const answer = await exchange(tcp, requestPacket("/none"));
  assertEquals(answer, "HTTP/1.1 204 No Content\r\n\r\n");
  const head = await exchange(tcp, requestPacket("/big", { REQUEST_METHOD: "HEAD" }));
  assertMatch(head, /^HTTP\/1\.1 200 OK\r\n(.+\r\n)*content-length: 1000000\r\n\r\n$/);
  for (const path of ["/throw", "/nothing", "/socket"]) {
    const failed = await exchange(tcp, requestPacket(path));
    assertMatch(failed, /^HTTP\/1\.1 500 Internal Server Error\r\n/);
  }
  await heard(running, "TypeError: WebSockets cannot go over the uwsgi protocol: let the proxy");
  const stats = await readStats(running.path("stats.sock"));
  assertEquals(stats.sockets.map(({ proto }) => proto), ["uwsgi", "uwsgi"]);
  const counts = stats.workers[0];
  assertEquals([counts?.requests, counts?.exceptions], [17, 3]);
  const requests = () => running.events.filter(({ event }) => event === "request");
  await running.until(() => requests().length >= 17, "lines of the log");
  assertEquals([requests().length, requests()[0]?.fields.addr], [17, "192.0.2.7"]);
});

Deno.test("what is malformed, too large or too slow is refused, and does not harm the others", async () => {
  const { master, addresses } = await readyMaster({
    ini: `uwsgi-socket = 127.0.0.1:0\nbuffer-size = 1024\n${SETTINGS}`,
  });
  await using running = master;
  const [address = ""] = addresses;
  const text = (line: string) => new TextEncoder().encode(line);
  const refused: readonly (readonly [Uint8Array, RegExp])[] = [
    [text("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), /^HTTP\/1\.1 400 .*Refused: this looks like HTTP/s],
    [packet(new Uint8Array(0), 5), /^HTTP\/1\.1 400 .*modifier1 is 5/s],
    [packet(new Uint8Array(0)), /^HTTP\/1\.1 400 .*there is no REQUEST_METHOD/s],
    [packet(Uint8Array.of(1, 0, 65, 9, 0)), /^HTTP\/1\.1 400 .*malformed at byte 3/s],
    [requestPacket("/", { REQUEST_METHOD: "TRACE" }), /^HTTP\/1\.1 400 .*forbidden/s],
    [requestPacket("/", { HTTP_HOST: "a/b" }), /^HTTP\/1\.1 400 .*HTTP_HOST is no host/s],
    [packet(fields([["A", "x".repeat(2000)]])), /^HTTP\/1\.1 431 .*but buffer-size is 1024/s],
    // Half a packet, and then nothing.
    [requestPacket("/").subarray(0, 3), /^HTTP\/1\.1 408 .*within 0\.5 s \(socket-timeout\)/s],
    [requestPacket("/").subarray(0, 20), /^HTTP\/1\.1 408 .*within 0\.5 s \(socket-timeout\)/s],
    // A connection that is not used.
    [new Uint8Array(0), /^$/],
  ];
  const answers = await Promise.all(refused.map(([bytes]) => exchange(address, bytes)));
  refused.forEach(([, expected], i) => assertMatch(answers[i] ?? "", expected));
  const half = await exchange(address, requestPacket("/").subarray(0, 20), true);
  assertStringIncludes(half, "the connection ended within the variables");
  await heard(running, "Refused a connection of a proxy: ");
  // Byte by byte, but in time.
  using connection = await connectTo(targetOf(address), AbortSignal.timeout(20_000));
  for (const byte of requestPacket("/length")) await connection.write(Uint8Array.of(byte));
  assertEquals(bodyOf(await readAll(connection)), "0");
  const stats = await readStats(running.path("stats.sock"));
  assertEquals(stats.workers[0]?.requests, 1);
});

Deno.test("a client that goes aborts its request, and one that only stops sending has its answer", async () => {
  const { master, addresses } = await readyMaster({
    ini: `uwsgi-socket = 127.0.0.1:0\n${SETTINGS}`,
  });
  await using running = master;
  const [address = ""] = addresses;
  const connect = () => connectTo(targetOf(address), AbortSignal.timeout(20_000));
  {
    using connection = await connect();
    await connection.write(requestPacket("/wait"));
    await heard(running, "waiting");
  }
  await heard(running, "gone /wait ConnectionAborted: The client has gone");
  {
    using connection = await connect();
    await connection.write(requestPacket("/stream"));
    const bytes = new Uint8Array(1000);
    assert(await connection.read(bytes) !== null);
  }
  await heard(running, "gone /stream");
  await heard(running, "cancelled");
  assertEquals(bodyOf(await exchange(address, requestPacket("/unread"), true)), "unread");
  // A body that ends too early is an error of whoever reads it.
  const short = await exchange(address, post("/length", new Uint8Array(5), 10), true);
  assertMatch(short, /^HTTP\/1\.1 500 /);
  await heard(running, "The client ended before its body did");
});

Deno.test("a reload may change what is spoken on a socket, and the socket stays", async () => {
  const { master, addresses } = await readyMaster({
    ini: `socket = 127.0.0.1:0\n${SETTINGS}`,
  });
  await using running = master;
  const [address = ""] = addresses;
  assertEquals(await getText(`http://${address}/unread`), "unread");
  running.writeIni(`uwsgi-socket = 127.0.0.1:0\n${SETTINGS}`);
  running.signal("SIGHUP");
  await running.waitFor("reloadFinished");
  await running.waitFor("gone");
  assertEquals(bodyOf(await exchange(address, requestPacket("/unread"))), "unread");
});

Deno.test("while a slot has no worker, its sibling answers what comes to its queue", async () => {
  const { master, addresses } = await readyMaster({
    ini: `uwsgi-socket = 127.0.0.1:0\nprocesses = 2\n${SETTINGS}`,
  });
  await using running = master;
  const [address = ""] = addresses;
  const from = running.events.length;
  const pid = running.acceptingPids().get(1) ?? 0;
  Deno.kill(pid, "SIGKILL");
  await running.until(() => !running.processes().includes(pid), "end of the worker");
  const answers = await Promise.all(
    Array.from({ length: 30 }, () => exchange(address, requestPacket("/unread"))),
  );
  assertEquals(answers.map(bodyOf), answers.map(() => "unread"));
  await running.waitFor("accepting", () => true, from);
});
