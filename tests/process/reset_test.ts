/** Clients that reset their connection before it is accepted, as health checks do: nobody waits for them. */
import { connect } from "node:net";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { lineHeader } from "../helpers/proxy_header.ts";
import { readyMaster } from "../helpers/running_master.ts";
import { readStats, statsAddresses } from "../helpers/stats.ts";
import { exchange, requestPacket } from "../helpers/uwsgi_client.ts";

/** With a pause of up to 1 s for each, they would take far longer than a client here is waited for. */
const RESETS = 60;

/** Connects, and sends RST (what SO_LINGER with 0 does) as soon as the kernel has the connection. */
function reset(address: string): Promise<void> {
  const [host = "", port = ""] = address.split(":");
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) });
    socket.on("error", () => {});
    socket.on("connect", () => socket.resetAndDestroy());
    socket.on("close", () => resolve());
  });
}

/** Resets connections while a process is stopped: it finds all of them in its queue, dead. */
async function resetBehind(pid: number, address: string): Promise<void> {
  Deno.kill(pid, "SIGSTOP");
  try {
    for (let i = 0; i < RESETS; i++) await reset(address);
  } finally {
    Deno.kill(pid, "SIGCONT");
  }
}

const encode = (text: string) => new TextEncoder().encode(text);
const GET = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

const SERVE = `import uwsgi from "uwsgi";
uwsgi.serve(() => new Response("hello"));`;

const NODE = `import http from "node:http";
http.createServer((_request, response) => response.end("hello")).listen(3000);`;

async function keepsNobodyWaiting(ini: string, app: string, request: Uint8Array): Promise<void> {
  const { master, addresses } = await readyMaster({
    ini: `${ini}\nworker-reload-mercy = 5\ndeno-worker-override = app.js`,
    files: { "app.js": app },
  });
  await using running = master;
  const [address = ""] = addresses;
  await resetBehind(running.acceptingPids().get(1) ?? 0, address);
  assertStringIncludes(await exchange(address, request), "hello");
  assert(!running.output.some((line) => line.includes("cannot accept")), "a warning");
}

Deno.test("who resets on a uwsgi-socket before it is accepted keeps nobody waiting", () =>
  keepsNobodyWaiting("uwsgi-socket = 127.0.0.1:0", SERVE, requestPacket("/")));

Deno.test("who resets before it is accepted keeps nobody waiting with the PROXY protocol", () =>
  keepsNobodyWaiting(
    "http-socket = 127.0.0.1:0\nenable-proxy-protocol = true",
    SERVE,
    encode(lineHeader("192.0.2.7", 4711) + GET),
  ));

Deno.test("who resets on an http-socket before it is accepted keeps nobody waiting", () =>
  keepsNobodyWaiting("http-socket = 127.0.0.1:0", SERVE, encode(GET)));

Deno.test("who resets before a server of node:http accepts keeps nobody waiting", () =>
  keepsNobodyWaiting("http-socket = 127.0.0.1:0", NODE, encode(GET)));

Deno.test("who resets on a stats socket before it is accepted keeps nobody waiting, and is no line in the log", async () => {
  const { master } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
stats = 127.0.0.1:0
deno-worker-override = app.js`,
    files: { "app.js": SERVE },
  });
  await using running = master;
  const [address = ""] = statsAddresses(running);
  await resetBehind(running.pid, address);
  await readStats(address);
  assertEquals(running.count("clientRefused"), 0);
});
