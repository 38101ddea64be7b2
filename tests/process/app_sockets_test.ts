/** Which listening call of an app gets a socket: each of these apps is right in plain Deno. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { runLoad } from "../helpers/load.ts";
import { loseNothing, targetAt } from "../helpers/reload_load.ts";
import { readyMaster, type RunningMaster, startMaster } from "../helpers/running_master.ts";

const HTTP = `import http from "node:http";
const server = (text: string) => http.createServer((_request, response) => void response.end(text));`;

/** What get-port, @std/net and others do, or an app that starts more than one server. */
const APPS: Readonly<Record<string, string>> = {
  "probes a port with Deno.listen": `Deno.listen({ port: 3999 }).close();
Deno.serve({ port: 3999 }, () => new Response("ok"));`,
  "opens its server anew": `let server = Deno.serve({ port: 3999 }, () => new Response("first"));
await server.shutdown();
server = Deno.serve({ port: 3999 }, () => new Response("ok"));`,
  "looks for a free port with Deno.listen": `const probe = Deno.listen({ port: 0 });
const { port } = probe.addr as Deno.NetAddr;
probe.close();
Deno.serve({ port }, () => new Response("ok"));`,
  "looks for a free port with node:net": `${HTTP}
import net from "node:net";
const probe = net.createServer();
probe.listen(0, () => {
  const { port } = probe.address() as net.AddressInfo;
  probe.close(() => server("ok").listen(port));
});`,
  "probes a port with node:http, and listens on the real one": `${HTTP}
const probe = http.createServer();
probe.listen(3999, () => {
  const { port } = probe.address() as { readonly port: number };
  probe.close(() => server("ok").listen(port));
});`,
  "listens again with the same node server, at once": `${HTTP}
const again = server("ok");
again.listen(3999, () => again.close().listen(3999));`,
  "has an internal server on port 0": `${HTTP}
server("internal").listen(0, "127.0.0.1", () => server("ok").listen(3999));`,
  "has a server for other processes on a path": `${HTTP}
import net from "node:net";
net.createServer((socket) => void socket.end("internal"))
  .listen(\`\${import.meta.dirname}/ipc.\${Deno.pid}\`);
await 0;
server("ok").listen(3999);`,
};

/** A worker without permissions of its own cannot open a port or path beside those of the instance. */
const NEEDS_NET = /port 0|free port|on a path/;

for (const [what, app] of Object.entries(APPS)) {
  const sandboxes = NEEDS_NET.test(what) ? [""] : ["", "deny-net = true"];
  for (const sandbox of sandboxes) {
    const where = sandbox === "" ? "" : ", in a sandbox";
    Deno.test(`an app that ${what} is served and reloaded${where}`, async () => {
      const { master, addresses: [address = ""] } = await readyMaster({
        ini: `http-socket = 127.0.0.1:0
processes = 2
chain-reload-verify = 0
touch-chain-reload = reload
${sandbox}
deno-worker-override = app.ts`,
        files: { "app.ts": app },
      });
      await using running = master;
      await allAnswer(address, "ok");
      assertEquals((await running.reload()).outcome, "done");
      await running.until(() => running.count("gone") === 2, "end of the old workers");
      await allAnswer(address, "ok");
      assertNothingFailed(running);
    });
  }
}

async function allAnswer(address: string, text: string): Promise<void> {
  const asked = Array.from({ length: 20 }, () => getText(`http://${address}/`));
  assertEquals(new Set(await Promise.all(asked)), new Set([text]));
}

function assertNothingFailed(running: RunningMaster): void {
  for (const event of ["startFailed", "died", "killing"]) assertEquals(running.count(event), 0);
}

const LOSS_HANDLER = new URL("../fixtures/apps/loss_handler.ts", import.meta.url).href;

/** Opened anew by whoever asks for it, as long as the worker lives. */
const REOPENED: Readonly<Record<string, string>> = {
  "Deno.serve": `import { lossHandler } from "${LOSS_HANDLER}";
const answer = lossHandler({ pid: Deno.pid, worker: 0 });
const open = () => Deno.serve({ port: 3999 }, answer);
let server = open();
while (true) {
  await turn();
  const ended = server.shutdown();
  server = open();
  console.log("opened anew");
  await ended;
}`,
  "a node server": `import { createServer } from "node:http";
const body = JSON.stringify({ pid: Deno.pid, worker: 0 });
const server = createServer((_request, response) => void response.end(body));
server.listen(3999);
while (true) {
  await turn();
  const ended = new Promise((resolve) => server.close(resolve));
  server.listen(3999, () => console.log("opened anew"));
  await ended;
}`,
};

for (const [what, app] of Object.entries(REOPENED)) {
  for (const sandbox of ["", "deny-net = true\nallow-read = %DIR%"]) {
    const where = sandbox === "" ? "" : " in a sandbox";
    Deno.test(`${what} that is opened anew${where} loses nothing of what waits, and reloads lose nothing`, async () => {
      const { master, addresses: [address = ""] } = await readyMaster({
        ini: `http-socket = 127.0.0.1:0
worker-reload-mercy = 20
chain-reload-verify = 0
touch-chain-reload = reload
${sandbox}
deno-worker-override = app.ts`,
        files: {
          "app.ts": `let turns = 0;
async function turn(): Promise<void> {
  turns += 1;
  const told = () => Number(Deno.readTextFileSync(import.meta.dirname + "/turns"));
  while (told() < turns) await new Promise((resolve) => setTimeout(resolve, 10));
}
${app}`,
          "turns": "0",
        },
      });
      await using running = master;
      const end = new AbortController();
      const load = loseNothing([targetAt(address)], { "close": 4 }, end.signal);
      for (let context = 1; context <= 2; context++) {
        running.write({ "turns": String(context) });
        await running.until(
          () => running.stdout.filter((line) => line === "opened anew").length === context,
          "server that was opened anew",
        );
        const report = await runLoad(targetAt(address), { "close": 2 }, { requests: 20 });
        assertEquals(report.examples, []);
      }
      assertEquals((await running.reload()).outcome, "done");
      await running.until(() => running.count("gone") === 1, "end of the old worker");
      end.abort();
      await load;
      assertNothingFailed(running);
    });
  }
}

Deno.test("while a script has closed its only server, other workers accept for it", async () => {
  const { master, addresses: [address = ""] } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
processes = 2
deno-worker-override = app.ts`,
    files: {
      "app.ts": `const server = Deno.serve({ port: 3999 }, ({ url }) => {
  if (!url.endsWith("/close")) return new Response(String(Deno.pid));
  setTimeout(() => server.shutdown().then(() => console.log("closed")), 0);
  return new Response(String(Deno.pid));
});
setInterval(() => {}, 1000);`,
    },
  });
  await using running = master;
  const closed = await getText(`http://${address}/close`);
  await running.until(() => running.stdout.includes("closed"), "closed server");
  const others = new Set<string>();
  for (let i = 0; i < 20; i++) others.add(await getText(`http://${address}/`));
  assertEquals(others.has(closed), false);
  assertEquals(others.size, 1);
});

Deno.test("one of two servers that share a socket may be closed, and the other serves on", async () => {
  const { master, addresses: [address = ""] } = await readyMaster({
    ini: "http-socket = 127.0.0.1:0\ndeno-worker-override = app.ts",
    files: {
      "app.ts": `${HTTP}
const [one, two] = [server("one"), server("two")];
one.listen(3999, "127.0.0.1", () =>
  two.listen(3999, "127.0.0.2", () => one.close(() => console.log("closed"))));`,
    },
  });
  await using running = master;
  await running.until(() => running.stdout.includes("closed"), "closed server");
  await allAnswer(address, "two");
  assertNothingFailed(running);
});

Deno.test("a socket that a script of the uwsgi module has shut down can be served again", async () => {
  const { master, addresses: [address = ""] } = await readyMaster({
    ini: "http-socket = 127.0.0.1:0\ndeno-worker-override = app.ts",
    files: {
      "app.ts": `import uwsgi from "uwsgi";
const [socket] = uwsgi.sockets;
await socket?.serve(() => new Response("first")).shutdown();
socket?.serve(() => new Response("ok"));
uwsgi.accepting();`,
    },
  });
  await using _running = master;
  await allAnswer(address, "ok");
});

Deno.test("servers are opened anew without foreign functions as well", async () => {
  for (const name of ["Deno.serve", "a node server"]) {
    const { master, addresses: [address = ""] } = await readyMaster({
      ini: `http-socket = 127.0.0.1:0
deno-flag = --deny-ffi
deno-worker-override = app.ts`,
      files: {
        "app.ts": `let turn = () => Promise.resolve();\n${untilOnce(REOPENED[name] ?? "")}`,
      },
    });
    await using running = master;
    await running.until(() => running.stdout.includes("ended"), "end of the first server");
    // A socket that Deno has opened goes with what waits in its queue, a moment later.
    const isServed = async () => {
      const report = await runLoad(targetAt(address), { "close": 2 }, { requests: 20 });
      return report.examples.length === 0;
    };
    await running.until(isServed, "load without a loss");
  }
});

/** Opens it anew once. */
function untilOnce(app: string): string {
  return app.replace(
    "await ended;",
    "await ended;\n  console.log('ended');\n  turn = () => new Promise(() => {});",
  );
}

Deno.test("port 0 and a path get a socket by socket-map", async () => {
  const { master, addresses: [first = "", second = ""] } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
http-socket = 127.0.0.1:0
socket-map = 0 => 1
socket-map = /tmp/app_of_its_own.sock => 0
deno-worker-override = app.ts`,
    files: {
      "app.ts": `${HTTP}
server("path").listen("/tmp/app_of_its_own.sock");
Deno.serve({ port: 0 }, () => new Response("zero"));`,
    },
  });
  await using running = master;
  assertEquals(await getText(`http://${first}/`), "path");
  assertEquals(await getText(`http://${second}/`), "zero");
  assertEquals(running.output, []);
});

Deno.test("listening twice at one place is an error as in plain Deno, where the script does it", async () => {
  const apps = [
    [
      "Deno.serve",
      "Deno.serve({ port: 3999 }, () => new Response());",
      "error: Uncaught (in promise) AddrInUse",
    ],
    [
      "node",
      `${HTTP}\nserver("").listen(3999);`,
      "error: Uncaught Error: listen EADDRINUSE: address already in use :::3999",
    ],
  ] as const;
  for (const [name, app, error] of apps) {
    await using running = startMaster({
      ini: `http-socket = 127.0.0.1:0
deno-worker-override = app.ts`,
      files: {
        "app.ts": `${app}
again();
function again() {
  ${name === "node" ? 'server("").listen(3999)' : "Deno.listen({ port: 3999 })"};
}`,
      },
    });
    await running.exitCode();
    assertStringIncludes(running.output.join("\n"), error);
    const frames = running.output.filter((line) => /^\s+at /.test(line));
    assert(frames.some((line) => /at again \(.*app\.ts/.test(line)), frames.join("\n"));
    assertEquals(frames.filter((line) => line.includes("/lib/worker/")), []);
  }
});

Deno.test("an unsupported signal is reported where the script asks for it", async () => {
  await using running = startMaster({
    ini: "http-socket = 127.0.0.1:0\ndeno-worker-override = app.ts",
    files: { "app.ts": 'import process from "node:process";\nprocess.on("SIGILL", () => {});' },
  });
  await running.exitCode();
  assertStringIncludes(running.output.join("\n"), 'process.on("SIGILL"');
  const { why } = await running.waitFor("startFailed");
  assertMatch(String(why), /SIGILL.*app\.ts:2:9\)$/);
});

for (
  const app of [
    'import cluster from "node:cluster";\nif (cluster.isPrimary) cluster.fork();',
    'import { fork } from "node:cluster";\nfork();',
  ]
) {
  Deno.test(`a script that forks by node:cluster fails to start with one line: ${app.split("\n")[0]}`, async () => {
    await using running = startMaster({
      ini: "http-socket = 127.0.0.1:0\nprocesses = 2\ndeno-worker-override = app.ts",
      files: { "app.ts": app },
    });
    await running.exitCode();
    const { why } = await running.waitFor("startFailed");
    assertMatch(String(why), /cluster\.fork\(\).*"processes".*app\.ts:2:/);
    assertEquals(running.count("accepting"), 0);
  });
}

Deno.test("libraries that look for a cluster find none that has a parent", async () => {
  const { master, addresses: [address = ""] } = await readyMaster({
    ini: "http-socket = 127.0.0.1:0\ndeno-worker-override = app.ts",
    files: {
      "app.ts": `import cluster from "node:cluster";
const { isPrimary, isMaster, isWorker, worker } = cluster;
Deno.serve(() => Response.json({ isPrimary, isMaster, isWorker, worker: worker === undefined }));`,
    },
  });
  await using running = master;
  const text = await getText(`http://${address}/`);
  assertEquals(JSON.parse(text), {
    isPrimary: true,
    isMaster: true,
    isWorker: false,
    worker: true,
  });
  assertEquals(running.output, []);
});

Deno.test("a thread that listens, and a script that listens on port 0 only, are named", async () => {
  const apps = [
    [
      `import { Worker } from "node:worker_threads";
new Worker(new URL("./thread.ts", import.meta.url));`,
      /main thread listens on 127\.0\.0\.1:\d+ yet \(a thread listens on 127\.0\.0\.1:\d+\): threads .* get no/,
    ],
    [
      "Deno.serve({ port: 0 }, () => new Response());",
      /Deno\.serve has opened port 0 by itself\): "socket-map = 0 => 0"/,
    ],
  ] as const;
  for (const [app, line] of apps) {
    await using running = startMaster({
      ini: "http-socket = 127.0.0.1:0\nstart-timeout = 3\ndeno-worker-override = app.ts",
      files: {
        "app.ts": app,
        "thread.ts":
          'Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response());',
      },
    });
    await running.exitCode();
    assertMatch(running.output.join("\n"), line);
  }
});
