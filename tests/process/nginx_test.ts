/** Behind a real nginx. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path/posix";
import { getUnix } from "../helpers/http.ts";
import { loseNothing, targetAt } from "../helpers/reload_load.ts";
import { findNginx, findStreamModule, Nginx, UWSGI_PARAMS } from "../helpers/nginx.ts";
import { readyMaster } from "../helpers/running_master.ts";
import { readAll } from "../helpers/uwsgi_client.ts";

const skipped = findNginx() === null ? " (skipped: there is no nginx)" : "";
const ignore = skipped !== "";

const app = (name: string) => fromFileUrl(new URL(`../fixtures/apps/${name}.ts`, import.meta.url));

/** nginx in front of both sockets: its own are Unix sockets, which need no free ports. */
async function startNginx(tcp: string, unix: string): Promise<Nginx> {
  const server = (name: string, upstream: string) => `
server {
  listen unix:%DIR%/${name}.sock;
  uwsgi_buffering off;${UWSGI_PARAMS}  uwsgi_param HTTPS on;
  uwsgi_param REMOTE_ADDR 192.0.2.9;
  uwsgi_param REMOTE_PORT 4711;
  uwsgi_param SSL_CLIENT_S_DN CN=${name};
  location / { uwsgi_pass ${upstream}; }
  location /length { uwsgi_request_buffering off; uwsgi_pass ${upstream}; }
}`;
  const nginx = new Nginx(server("tcp", tcp) + server("unix", `unix:${unix}`));
  await nginx.listens({ transport: "unix", path: nginx.path("tcp.sock") });
  await nginx.listens({ transport: "unix", path: nginx.path("unix.sock") });
  return nginx;
}

async function connect(path: string): Promise<Deno.Conn> {
  return await Deno.connect({ transport: "unix", path });
}

async function send(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

async function post(path: string, page: string, body: string): Promise<string> {
  using connection = await connect(path);
  const reading = readAll(connection);
  const head = `POST ${page} HTTP/1.0\r\nHost: localhost\r\nContent-Length: ${body.length}`;
  await send(connection, encode(`${head}\r\n\r\n${body}`));
  return await reading;
}

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test({
  name: `nginx passes requests on, bodies of 1 MB both ways, and streams piece by piece${skipped}`,
  ignore,
  async fn() {
    const { master, addresses } = await readyMaster({
      ini: `uwsgi-socket = 127.0.0.1:0
uwsgi-socket = %DIR%/app.sock
deno-worker-override = ${app("proxied_app")}`,
    });
    await using running = master;
    await using nginx = await startNginx(addresses[0] ?? "", running.path("app.sock"));
    for (const name of ["tcp", "unix"]) {
      const path = nginx.path(`${name}.sock`);
      const answer = await getUnix(path, "/a%20b?x=%2F");
      const shown = JSON.parse(/\r\n\r\n[^{]*(\{.*\})/s.exec(answer)?.[1] ?? "null");
      assertEquals([shown.url, shown.method, shown.subject], [
        "https://localhost/a%20b?x=%2F",
        "GET",
        `CN=${name}`,
      ]);
      assertEquals(shown.client, { transport: "tcp", hostname: "192.0.2.9", port: 4711 });
      const body = "0123456789abcdef".repeat(1 << 16);
      // nginx sends no more of a body once the response has begun: this one comes when all is there.
      const echoed = await post(path, "/copy", body);
      assert(echoed.endsWith(`\r\n\r\n${body}`), `${echoed.length} bytes came back`);
      const counted = await post(path, "/length", body);
      assert(counted.endsWith(`\r\n\r\n${body.length}`), counted);
      {
        using connection = await connect(path);
        await send(connection, encode("GET /stream HTTP/1.0\r\nHost: localhost\r\n\r\n"));
        for (let pieces = 0; pieces < 3;) {
          const bytes = new Uint8Array(1000);
          const length = await connection.read(bytes);
          assert(length !== null, "the stream ended");
          if (!new TextDecoder().decode(bytes).includes("data: piece")) continue;
          pieces += 1;
          await getUnix(path, "/next");
        }
      }
      // nginx tells that its client has gone.
      await running.until(
        () => running.output.filter((line) => line.includes("gone /stream")).length > 0,
        "abort of the stream",
      );
      running.output.length = 0;
    }
    assertEquals(nginx.complaints, "");
  },
});

/** A WebSocket of a node server: it echoes one byte, and knows nothing of an end. */
const WEB_SOCKET_APP = `import http from "node:http";
import { createHash } from "node:crypto";
http.createServer((request, response) => response.end("no WebSocket")).on("upgrade", (request, socket) => {
  const key = request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  socket.write("HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n" +
    "Sec-WebSocket-Accept: " + createHash("sha1").update(key).digest("base64") + "\\r\\n\\r\\n");
  socket.on("data", (frame) => {
    if ((frame[0] & 15) === 8) socket.end();
    else socket.write(Uint8Array.of(0x81, 1, frame[6] ^ frame[2]));
  });
  socket.on("error", () => {});
}).listen(3000);`;

/** Short frames of a server, behind a head that switches protocols. */
async function* webSocketFrames(connection: Deno.Conn): AsyncGenerator<readonly number[]> {
  const bytes: number[] = [];
  const piece = new Uint8Array(4096);
  let head = "";
  for (let length = await connection.read(piece); length !== null;) {
    bytes.push(...piece.subarray(0, length));
    while (head === "" || bytes.length > 1) {
      if (head === "") {
        const text = String.fromCharCode(...bytes);
        const end = text.indexOf("\r\n\r\n") + 4;
        if (end < 4) break;
        head = text.slice(0, end);
        assertMatch(head, /^HTTP\/1\.1 101 /);
        bytes.splice(0, end);
      } else {
        const size = 2 + (bytes[1] ?? 0);
        if (bytes.length < size) break;
        yield bytes.splice(0, size);
      }
    }
    length = await connection.read(piece);
  }
}

Deno.test({
  name: `WebSockets of a node:http server go through nginx, and end with 1001 at a stop${skipped}`,
  ignore,
  async fn() {
    const { master, addresses: [address = ""] } = await readyMaster({
      ini: `uwsgi-socket = 127.0.0.1:0
keepalive-stop-mercy = 0.5
worker-reload-mercy = 600
deno-worker-override = app.js`,
      files: { "app.js": WEB_SOCKET_APP },
    });
    await using running = master;
    await using nginx = new Nginx(`server {
  listen unix:%DIR%/nginx.sock;${UWSGI_PARAMS}
  location / { uwsgi_pass ${address}; }
}`);
    const path = nginx.path("nginx.sock");
    await nginx.listens({ transport: "unix", path });
    assertStringIncludes(await getUnix(path, "/"), "no WebSocket");
    const connection = await connect(path);
    const head = "GET /ws HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    await send(connection, encode(head));
    const frames = webSocketFrames(connection);
    await send(connection, Uint8Array.of(0x81, 0x81, 1, 2, 3, 4, 1 ^ 0x41));
    assertEquals((await frames.next()).value, [0x81, 1, 0x41]);
    running.signal("SIGTERM");
    assertEquals((await frames.next()).value, [0x88, 2, 0x03, 0xe9]);
    assertEquals((await frames.next()).done, true);
    connection.close();
    assertEquals(await running.exitCode(), 0);
    assertEquals(running.count("killing"), 0);
  },
});

Deno.test({
  name: `reloads behind nginx under load lose nothing, over TCP and a Unix socket${skipped}`,
  ignore,
  async fn() {
    const { master, addresses } = await readyMaster({
      ini: `uwsgi-socket = 127.0.0.1:0
uwsgi-socket = %DIR%/app.sock
processes = 2
worker-reload-mercy = 20
touch-chain-reload = reload
deno-worker-override = ${app("loss_app")}`,
    });
    await using running = master;
    await using nginx = await startNginx(addresses[0] ?? "", running.path("app.sock"));
    const mix = { "close": 2, "keep-alive": 2, "idle": 1, "post": 2, "sse": 1 };
    const end = new AbortController();
    const targets = ["tcp.sock", "unix.sock"].map((name) => targetAt(nginx.path(name)));
    const load = loseNothing(targets, mix, end.signal);
    for (let i = 0; i < 2; i++) {
      assertEquals((await running.reload()).outcome, "done");
      assertEquals((await running.reload(() => running.signal("SIGHUP"))).outcome, "done");
    }
    await running.until(() => running.count("gone") === 8, "end of the old workers");
    end.abort();
    await load;
    assertEquals(running.events.filter(({ event }) => event === "killing"), []);
    assertEquals(nginx.complaints, "");
  },
});

const noModule = findStreamModule() === null ? " (skipped: nginx has no stream module)" : "";

Deno.test({
  name: `nginx tells its client with the PROXY protocol, and with X-Forwarded headers${noModule}`,
  ignore: noModule !== "",
  async fn() {
    const { master, addresses } = await readyMaster({
      ini: `http-socket = 127.0.0.1:0
enable-proxy-protocol = true
forwarded-allow-ips = unix
forwarded-allow-ips = 127.0.0.1
deno-worker-override = ${app("proxied_app")}`,
    });
    await using running = master;
    const port = addresses[0]?.split(":")[1] ?? "";
    // The front writes what came over its Unix socket as UNKNOWN, so it listens on a port as well.
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const front = listener.addr.port;
    listener.close();
    await using nginx = new Nginx(
      `server {
  listen unix:%DIR%/http.sock;
  proxy_set_header X-Forwarded-For "6.6.6.6, 192.0.2.7";
  proxy_set_header X-Forwarded-Proto https;
  proxy_set_header X-Forwarded-Host example.org;
  location / { proxy_pass http://127.0.0.1:${front}; }
}`,
      `server { listen 127.0.0.1:${front}; proxy_pass 127.0.0.1:${port}; proxy_protocol on; }`,
    );
    await nginx.listens({ transport: "tcp", hostname: "127.0.0.1", port: front });
    await nginx.listens({ transport: "unix", path: nginx.path("http.sock") });
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: front });
    await send(connection, encode("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    const direct = JSON.parse(/\r\n\r\n(\{.*\})/s.exec(await readAll(connection))?.[1] ?? "null");
    assertEquals(direct.client, {
      transport: "tcp",
      hostname: "127.0.0.1",
      port: connection.localAddr.port,
    });
    const answer = await getUnix(nginx.path("http.sock"));
    const forwarded = JSON.parse(/\r\n\r\n[^{]*(\{.*\})/s.exec(answer)?.[1] ?? "null");
    assertEquals([forwarded.url, forwarded.client.hostname], ["https://example.org/", "192.0.2.7"]);
    assertEquals(running.output, []);
  },
});
