/** Clients behind a proxy that speaks HTTP: X-Forwarded headers, and the PROXY protocol. */
import { connect } from "node:net";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path/posix";
import { connectTo } from "../helpers/load/target.ts";
import { binaryHeader, lineHeader } from "../helpers/proxy_header.ts";
import { readyMaster } from "../helpers/running_master.ts";
import { exchange, joined, requestPacket, targetOf } from "../helpers/uwsgi_client.ts";

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

Deno.test("on a Unix socket, X-Forwarded headers keep path and query, and clients have the socket's path", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = %DIR%/app.sock
uwsgi-socket = %DIR%/uwsgi.sock
forwarded-allow-ips = unix
log-format = %(uri) %(proto) %(var.REQUEST_SCHEME)
${SETTINGS}`,
  });
  await using running = master;
  const [unix = "", uwsgi = ""] = addresses;
  const proto = "X-Forwarded-Proto: https\r\n";
  const host = "X-Forwarded-Host: shop.test\r\n";
  const paths: readonly (readonly [string, string, string])[] = [
    ["/cart?id=7", proto + host, "https://shop.test/cart?id=7"],
    ["/b?c", proto, "https://localhost/b?c"],
    ["/d?e", host, "http://shop.test/d?e"],
    ["/f?g", "", "http+unix://localhost/f?g"],
  ];
  for (const [path, headers, url] of paths) {
    const [found, client] = shown(await exchange(unix, encode(get(path, headers))));
    assertEquals([found, client], [url, { transport: "unix", path: unix }] as [string, Deno.Addr]);
  }
  const more = { SERVER_PROTOCOL: "HTTP/2.0", HTTPS: "on" };
  const [, nobody] = shown(await exchange(uwsgi, requestPacket("/u", more)));
  assertEquals(nobody, { transport: "unix", path: uwsgi } as Deno.Addr);
  const lines = () => running.events.filter(({ event }) => event === "request");
  await running.until(() => lines().length === 5, "lines of the log");
  assertEquals(lines().map(({ message }) => message), [
    "/cart?id=7 - https",
    "/b?c - https",
    "/d?e - http",
    "/f?g - http",
    "/u HTTP/2.0 https",
  ]);
});

Deno.test("a leaving worker ends a connection after its last response, also if a proxy says https", async () => {
  const { master, addresses: [address = ""] } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
forwarded-allow-ips = *
worker-reload-mercy = 60
touch-chain-reload = reload
deno-worker-override = ${APP}`,
  });
  await using running = master;
  using client = await connectTo(targetOf(address), AbortSignal.timeout(20_000));
  const answer = new Uint8Array(2000);
  const ask = async () => {
    await client.write(encode(get("/unread", "X-Forwarded-Proto: https\r\n", "keep-alive")));
    return new TextDecoder().decode(answer.subarray(0, await client.read(answer) ?? 0));
  };
  await ask();
  await running.reload();
  while (!/^connection: close\r$/im.test(await ask()));
  // The mercy, after which it ends in any case, is much longer than a failure is waited for.
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("It is still open")), 30_000);
  assertEquals(await Promise.race([client.read(answer), late]), null);
  clearTimeout(timer);
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
