/** Clients behind a proxy that speaks HTTP: X-Forwarded headers, and the PROXY protocol. */
import { connect } from "node:net";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path/posix";
import { connectTo } from "../helpers/load/target.ts";
import { binaryHeader, lineHeader } from "../helpers/proxy_header.ts";
import { readyMaster } from "../helpers/running_master.ts";
import { exchange, joined, targetOf } from "../helpers/uwsgi_client.ts";

const APP = fromFileUrl(new URL("../fixtures/apps/proxied_app.ts", import.meta.url));
const SETTINGS = `socket-timeout = 0.5
worker-reload-mercy = 5
touch-chain-reload = reload
log-requests = true
deno-worker-override = ${APP}`;

const encode = (text: string) => new TextEncoder().encode(text);

function get(path: string, headers = "", connection = "close"): string {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: ${connection}\r\n${headers}\r\n`;
}

/** URL and client, as the app was told. */
function shown(answer: string): [string, Deno.Addr] {
  const { url, client } = JSON.parse(/\r\n\r\n(\{.*\})$/s.exec(answer)?.[1] ?? "null");
  return [url, client];
}

const FORWARDED = "X-Forwarded-For: 6.6.6.6, 192.0.2.7, 10.1.1.1\r\n" +
  "X-Forwarded-Proto: https\r\nX-Forwarded-Host: example.org\r\n";

Deno.test("X-Forwarded headers are believed when they come from a proxy that is named, and only then", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
http-socket = %DIR%/app.sock
forwarded-allow-ips = 127.0.0.1, 10.0.0.0/8
${SETTINGS}`,
  });
  await using running = master;
  const [tcp = "", unix = ""] = addresses;
  const client = { transport: "tcp", hostname: "192.0.2.7", port: 0 };
  assertEquals(shown(await exchange(tcp, encode(get("/a?b", FORWARDED)))), [
    "https://example.org/a?b",
    client,
  ] as [string, Deno.Addr]);
  const [url, near] = shown(await exchange(tcp, encode(get("/a"))));
  assertEquals([url, (near as Deno.NetAddr).hostname], ["http://localhost/a", "127.0.0.1"]);
  const untouched = shown(await exchange(unix, encode(get("/u", FORWARDED))));
  assertEquals(untouched[1].transport, "unix");
  assert(!untouched[0].startsWith("https://example.org"), untouched[0]);
  // What was changed can still be upgraded.
  const upgrade = FORWARDED + "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  using connection = await connectTo(targetOf(tcp), AbortSignal.timeout(20_000));
  await connection.write(encode(get("/socket", upgrade, "Upgrade")));
  const head = new Uint8Array(1000);
  await connection.read(head);
  assertMatch(new TextDecoder().decode(head), /^HTTP\/1\.1 101 /);
  const requests = () => running.events.filter(({ event }) => event === "request");
  await running.until(() => requests().length === 4, "lines of the log");
  assertEquals(requests()[0]?.fields.addr, "192.0.2.7");
});

Deno.test("the PROXY protocol tells the client, and connections without it are closed", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
http-socket = %DIR%/app.sock
processes = 2
enable-proxy-protocol = true
${SETTINGS}`,
  });
  await using running = master;
  const line = lineHeader("192.0.2.7", 4711);
  const v2 = binaryHeader(0x21, 0x11, [192, 0, 2, 8, 127, 0, 0, 1, 0x12, 0x68, 0, 80]);
  const local = binaryHeader(0x20, 0, []);
  for (const address of addresses) {
    assertEquals(shown(await exchange(address, encode(line + get("/a")))), [
      "http://localhost/a",
      { transport: "tcp", hostname: "192.0.2.7", port: 4711 },
    ] as [string, Deno.Addr]);
    const [, second] = shown(await exchange(address, joined([v2, encode(get("/"))])));
    assertEquals(second, { transport: "tcp", hostname: "192.0.2.8", port: 4712 } as Deno.Addr);
    const [, own] = shown(await exchange(address, joined([local, encode(get("/"))])));
    assertEquals(own.transport, address.startsWith("/") ? "unix" : "tcp");
    const big = await exchange(address, encode(line + get("/big")));
    assert(big.length > 1_000_000, `only ${big.length} bytes`);
  }
  const [tcp = ""] = addresses;
  const refused = await Promise.all([
    exchange(tcp, encode(get("/"))),
    exchange(tcp, encode("PROXY TCP4 1.2.3\r\n")),
    exchange(tcp, encode("PROXY TC")),
    exchange(tcp, encode("PROXY TC"), true),
    exchange(tcp, new Uint8Array(0)),
  ]);
  assertEquals(refused, ["", "", "", "", ""]);
  await running.until(
    () => running.output.some((one) => one.startsWith("Refused a connection of a proxy: it ")),
    "line about a refusal",
  );

  // Nobody loses anything while workers are replaced.
  let ended = false;
  let answered = 0;
  const client = async (address: string): Promise<void> => {
    while (!ended) {
      using connection = await connectTo(targetOf(address), AbortSignal.timeout(20_000));
      let head = line;
      for (let i = 0; i < 5; i++) {
        await connection.write(encode(head + get("/unread", "", "keep-alive")));
        head = "";
        const bytes = new Uint8Array(2000);
        const length = await connection.read(bytes);
        const text = new TextDecoder().decode(bytes.subarray(0, length ?? 0));
        assertMatch(text, /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nunread$/s);
        answered += 1;
        if (/^connection: close\r$/im.test(text)) break;
      }
    }
  };
  const clients = [...addresses, ...addresses].map(client);
  for (let i = 0; i < 2; i++) {
    assertEquals((await running.reload()).outcome, "done");
  }
  ended = true;
  await Promise.all(clients);
  assert(answered > 100, `only ${answered} requests`);
  await running.until(() => running.count("gone") === 4, "end of the old workers");
  assertEquals(running.events.filter(({ event }) => event === "killing"), []);
});

/** The worker's server behind the PROXY protocol, and the near ends of connections to it (proc_pid_net(5)). */
function innerServer(pid: number): { readonly port: number; readonly ends: readonly number[] } {
  const rows = Deno.readTextFileSync(`/proc/${pid}/net/tcp`).split("\n").map((line) =>
    line.trim().split(/\s+/)
  );
  const links = [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/${pid}/fd/${name}`);
    } catch {
      return "";
    }
  });
  const portOf = (end = "") => parseInt(end.split(":")[1] ?? "", 16);
  const [LISTEN, ESTABLISHED] = ["0A", "01"];
  const listener = rows.find(([, , , state, , , , , , inode]) =>
    state === LISTEN && links.includes(`socket:[${inode}]`)
  );
  const ends = rows.filter(([, , far, state]) => state === ESTABLISHED && far === listener?.[1]);
  return { port: portOf(listener?.[1]), ends: ends.map(([, near]) => portOf(near)) };
}

Deno.test("no other process gets in behind the PROXY protocol, whatever port it has", async () => {
  const { master, addresses: [outer = ""] } = await readyMaster({
    ini: `http-socket = %DIR%/app.sock\nenable-proxy-protocol = true\n${SETTINGS}`,
  });
  await using running = master;
  using client = await connectTo(targetOf(outer), AbortSignal.timeout(20_000));
  await client.write(encode(lineHeader("192.0.2.7", 4711) + get("/unread", "", "keep-alive")));
  await client.read(new Uint8Array(1000));
  const pid = running.acceptingPids().get(1) ?? 0;
  const { port, ends } = innerServer(pid);
  assert(ends.length === 1 && ends[0] !== undefined, `${ends} at ${port}`);
  for (const [localAddress, localPort] of [["127.0.0.2", ends[0]], ["127.0.0.1", 0]] as const) {
    const answered = Promise.withResolvers<string>();
    let text = "";
    const intruder = connect({ host: "127.0.0.1", port, localAddress, localPort });
    intruder.on("data", (bytes) => {
      text += bytes;
      if (text.includes("\r\n\r\n")) answered.resolve(text);
    });
    intruder.on("error", answered.reject);
    intruder.write(get("/a", "", "keep-alive"));
    const closed = new Promise((resolve) => intruder.on("close", resolve));
    assertMatch(await answered.promise, /^HTTP\/1\.1 403 /);
    intruder.destroy();
    await closed;
  }
});
