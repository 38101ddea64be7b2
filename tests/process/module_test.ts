import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path/posix";
import { getJson, getText, getUnix } from "../helpers/http.ts";
import { readyMaster } from "../helpers/running_master.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";

const SCRIPT = "deno-worker-override = app.ts";

/** What the first test's script answers. */
interface About {
  readonly same: boolean;
  readonly version: string;
  readonly info: readonly unknown[];
  readonly hostname: string;
  readonly numproc: number;
  readonly master: number;
  readonly started: number;
  readonly opt: Readonly<Record<string, unknown>>;
  readonly ready: boolean;
  readonly sockets: readonly unknown[];
  readonly workers: readonly { readonly id: number; readonly requests: number }[];
}

Deno.test("the uwsgi module tells what it knows of the instance", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
socket = %DIR%/app.sock
processes = 2
set-placeholder = colour=green
env = A=1
env = B=2
${SCRIPT}`,
    files: {
      "app.ts": `import uwsgi, * as named from "uwsgi";
uwsgi.serve(() => Response.json({
  same: Object.keys(uwsgi).every((name) => Reflect.get(named, name) === Reflect.get(uwsgi, name)),
  version: uwsgi.version, info: uwsgi.version_info, hostname: uwsgi.hostname,
  numproc: uwsgi.numproc, master: uwsgi.masterpid(), id: uwsgi.worker_id(),
  started: uwsgi.started_on, opt: uwsgi.opt, ready: uwsgi.ready(),
  sockets: uwsgi.sockets.map(({ address, protocol, fd }) => ({ address, protocol, fd: fd > 2 })),
  workers: uwsgi.workers(), pid: Deno.pid,
}));`,
    },
  });
  await using running = master;
  const get = () => getJson<About>(`http://${addresses[0]}/`);
  const about = await get();
  assert(about.same);
  assertMatch(about.version, /^\d+\.\d+\.\d+$/);
  assertEquals(about.info.slice(0, 3).join("."), about.version);
  assertEquals(about.hostname, Deno.hostname());
  assertEquals([about.numproc, about.master], [2, running.pid]);
  assert(Math.abs(about.started - Date.now() / 1000) < 60);
  assertEquals(about.ready, true);
  assertEquals(about.opt.env, ["A=1", "B=2"]);
  assertEquals(about.opt.processes, "2");
  assertEquals(about.sockets, [
    { address: addresses[0], protocol: "http-socket", fd: true },
    { address: addresses[1], protocol: "socket", fd: true },
  ]);
  assertEquals(about.workers.map(({ id }) => id), [1, 2]);
  for (let i = 0; i < 7; i++) await get();
  // Every request but the one that is being answered has been counted, by whichever worker.
  const { workers } = await get();
  const sum = workers.reduce((n, { requests }) => n + requests, 0);
  assertEquals(sum, 9);
});

Deno.test("request counts survive the workers that made them", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0\ntouch-chain-reload = reload\n${SCRIPT}`,
    files: {
      "app.ts": `import uwsgi from "uwsgi";
uwsgi.serve((request) => {
  if (request.url.endsWith("/throw")) throw new Error("on purpose");
  return Response.json(uwsgi.workers()[0]);
}, { onError: () => new Response("caught", { status: 500 }) });`,
    },
  });
  await using running = master;
  const url = `http://${addresses[0]}`;
  await getText(`${url}/`);
  assertEquals(await getText(`${url}/throw`), "caught");
  running.touch("reload");
  await running.waitFor("gone");
  const worker = await getJson<Record<string, number>>(`${url}/`);
  assertEquals(worker.requests, 3);
  assertEquals(worker.delta_requests, 1);
  assertEquals(worker.exceptions, 1);
  assertEquals(worker.respawn_count, 1);
  assertEquals(worker.generation, 2);
  assertEquals(worker.accepting, 1);
});

Deno.test("scripts may serve each socket their own way: raw, and with node:http", async () => {
  const { master, addresses } = await readyMaster({
    ini: `socket = 127.0.0.1:0
http-socket = 127.0.0.1:0
socket = %DIR%/raw.sock
touch-chain-reload = reload
${SCRIPT}`,
    files: {
      "app.ts": `import { createServer } from "node:http";
import uwsgi from "uwsgi";
const [raw, node, unix] = uwsgi.sockets;
for (const listener of [raw.listen(), unix.listen()]) {
  (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(1000));
      const address = JSON.stringify(listener.addr);
      const text = "HTTP/1.1 200 OK\\r\\nContent-Length: " + address.length + "\\r\\n\\r\\n" + address;
      await connection.write(new TextEncoder().encode(text));
      connection.close();
    }
  })();
}
createServer((_request, response) => response.end("from node"))
  .listen({ fd: node.fd }, () => uwsgi.accepting());`,
    },
  });
  await using running = master;
  const [raw = "", node = "", unix = ""] = addresses;
  const check = async () => {
    assertEquals(await getJson(`http://${raw}/`), {
      transport: "tcp",
      hostname: "127.0.0.1",
      port: Number(raw.split(":")[1]),
    });
    assertEquals(await getText(`http://${node}/`), "from node");
    assertStringIncludes(await getUnix(unix), running.path("raw.sock"));
  };
  await check();
  running.touch("reload");
  const { how } = await running.waitFor("gone");
  assertEquals(how, "exited with code 0");
  await check();
});

Deno.test("a script decides itself how it leaves: a handler, or signals, Deno's or Node's", async () => {
  const ways = {
    handler: `uwsgi.on_reload(async ({ reason, mercy_ms }) => {
  uwsgi.log("handler " + reason + " " + mercy_ms);
  await Promise.all(servers.map((server) => server.shutdown()));
});`,
    deno: `Deno.addSignalListener("SIGHUP", async () => {
  uwsgi.log("handler reload 7000");
  await Promise.all(servers.map((server) => server.shutdown()));
  Deno.exit();
});
Deno.addSignalListener("SIGINT", () => { uwsgi.log("handler stop 7000"); Deno.exit(); });`,
    node: `import process from "node:process";
process.on("SIGHUP", () => { uwsgi.log("handler reload 7000"); process.exit(); });
process.on("SIGINT", () => { uwsgi.log("handler stop 7000"); process.exit(); });`,
  };
  for (const [name, code] of Object.entries(ways)) {
    const { master } = await readyMaster({
      ini: `http-socket = 127.0.0.1:0
worker-reload-mercy = 7
touch-chain-reload = reload
${SCRIPT}`,
      files: {
        "app.ts": `import uwsgi from "uwsgi";
const { servers } = uwsgi.serve(() => new Response("x"));
${code}`,
      },
    });
    await using running = master;
    running.touch("reload");
    await running.waitFor("gone");
    assert(running.output.includes("handler reload 7000"), `${name}: ${running.output}`);
    assertEquals(await running.stop(), 0);
    assert(running.output.includes("handler stop 7000"), `${name}: ${running.output}`);
    assertEquals(running.events.filter(({ event }) => event === "killing"), []);
  }
});

Deno.test("a worker asks for a reload, and for the end", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0\n${SCRIPT}`,
    files: {
      "app.ts": `import uwsgi from "uwsgi";
uwsgi.serve(({ url }) => {
  if (url.endsWith("/reload")) return new Response(String(uwsgi.reload()));
  if (url.endsWith("/stop")) return new Response(String(uwsgi.stop()));
  uwsgi.accepting(url.endsWith("/pause") ? 0 : 1);
  return new Response(String(uwsgi.workers()[0]?.accepting));
});`,
    },
  });
  await using running = master;
  const url = `http://${addresses[0]}`;
  await getText(`${url}/pause`);
  await running.until(async () => await getText(`${url}/pause`) === "0", "pause");
  await running.until(async () => await getText(`${url}/resume`) === "1", "end of the pause");
  assertEquals(await getText(`${url}/reload`), "true");
  await running.waitFor("gone", ({ reason }) => reason === "reload");
  assertEquals(await getText(`${url}/stop`), "true");
  assertEquals(await running.exitCode(), 0);
});

Deno.test("lines of uwsgi.log() never mix, however long they are", async () => {
  const { master } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0\nprocesses = 4\n${SCRIPT}`,
    files: {
      "app.ts": `import uwsgi from "uwsgi";
uwsgi.serve(() => new Response("x"));
const letter = "abcd"[uwsgi.worker_id() - 1];
const timer = setInterval(() => {
  if (!uwsgi.ready()) return;
  clearInterval(timer);
  for (let i = 0; i < 50; i++) {
    uwsgi.log("<" + letter.repeat(i % 2 ? 20 : 65536) + ">");
  }
  uwsgi.log("worker " + uwsgi.worker_id() + " is done");
}, 1);`,
    },
  });
  await using running = master;
  const done = () => running.output.filter((line) => line.endsWith("is done")).length;
  await running.until(() => done() === 4, "end of all lines");
  const lines = running.output.filter((line) => line.startsWith("<"));
  assertEquals(lines.length, 200);
  for (const line of lines) assertMatch(line, /^<(a+|b+|c+|d+)>$/);
});

Deno.test("a module that imports uwsgi can be tested without a master and without permissions", async () => {
  using directory = new TempDirectory();
  const module = fromFileUrl(new URL("../../lib/worker/uwsgi.ts", import.meta.url));
  directory.write("deno.json", JSON.stringify({ imports: { uwsgi: module } }));
  directory.write(
    "handler.ts",
    `import uwsgi from "uwsgi";
export function handler(request: Request): Response {
  uwsgi.log("asked for " + request.url);
  uwsgi.set_logvar(request, "who", "me");
  return new Response([
    uwsgi.worker_id(), uwsgi.mule_id(), uwsgi.masterpid(), uwsgi.sockets.length, uwsgi.numproc,
    uwsgi.get_logvar(request, "who"), JSON.stringify(uwsgi.opt),
  ].join(" "));
}
export const { serve, accepting, reload, stop, ready, workers, metric_inc, metric_get, mule_msg } = uwsgi;
`,
  );
  directory.write(
    "handler_test.ts",
    `import * as app from "./handler.ts";
Deno.test("it answers", async () => {
  const text = await app.handler(new Request("http://localhost/x")).text();
  if (text !== "0 0 0 0 0 me {}") throw new Error(text);
});
const calls = {
  serve: () => app.serve(() => new Response()), accepting: app.accepting, reload: app.reload,
  stop: app.stop, ready: app.ready, workers: app.workers,
  metric_inc: () => app.metric_inc("x"), metric_get: () => app.metric_get("x"),
};
for (const [name, call] of Object.entries(calls)) {
  Deno.test(name, () => {
    try {
      call();
    } catch (error) {
      if (String(error).includes("only works in a worker of duwsgi")) return;
      throw error;
    }
    throw new Error(name + " did not throw");
  });
}`,
  );
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "--no-prompt"],
    cwd: directory.path,
    env: { NO_COLOR: "1" },
  }).output();
  const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  assertEquals(code, 0, said);
  assertStringIncludes(said, "9 passed");
  assertStringIncludes(said, "asked for http://localhost/x");
});

Deno.test("a script that serves fails without a master, with one helpful line", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "examples/hello/app.ts"],
    env: { NO_COLOR: "1" },
  }).output();
  assertEquals(code, 1);
  const [first = ""] = new TextDecoder().decode(stderr).split("\n");
  assertStringIncludes(
    first,
    'The module "uwsgi" only works in a worker of duwsgi: start this script',
  );
});
