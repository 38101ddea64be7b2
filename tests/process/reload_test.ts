import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { getJson, getText, type Identity } from "../helpers/http.ts";
import { loseNothing, targetAt } from "../helpers/reload_load.ts";
import { readyMaster } from "../helpers/running_master.ts";

const HELLO = { "app.ts": { fixture: "workers/hello.ts" } };
const LOSS_APP = new URL("../fixtures/apps/loss_app.ts", import.meta.url).pathname;

for (const reload of ["chain", "all"] as const) {
  Deno.test(`a ${reload} reload under load loses nothing, over TCP and a Unix socket`, async () => {
    const { master, addresses } = await readyMaster({
      ini: `http-socket = 127.0.0.1:0
socket = %DIR%/app.sock
processes = 2
worker-reload-mercy = 20
touch-chain-reload = reload
deno-worker-override = ${LOSS_APP}`,
    });
    await using running = master;
    const mix = {
      "close": 2,
      "keep-alive": 2,
      "idle": 2,
      "post": 1,
      "split-header": 1,
      "pipelined": 1,
      "sse": 1,
      "websocket": 1,
    };
    const end = new AbortController();
    // The short form of `bench:reload`: without rests.
    const load = loseNothing(addresses.map(targetAt), mix, end.signal, 0);
    for (let i = 0; i < 4; i++) {
      if (reload === "chain") {
        assertEquals((await running.reload()).outcome, "done");
      } else {
        assertEquals((await running.reload(() => running.signal("SIGHUP"))).outcome, "done");
      }
    }
    await running.until(() => running.count("gone") === 8, "end of the old workers");
    end.abort();
    await load;
    assertEquals(running.count("killing"), 0);
  });
}

Deno.test("a chain takes one slot after the other, and starts before it stops", async () => {
  const { master } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
processes = 3
touch-chain-reload = reload
deno-worker-override = app.ts`,
    files: HELLO,
  });
  await using running = master;
  const from = running.events.length;
  assertEquals((await running.reload()).outcome, "done");
  await running.until(() => running.count("gone") === 3, "end of the old workers");
  const order = running.events.slice(from)
    .filter(({ event }) => event === "accepting" || event === "retiring")
    .map(({ event, fields }) => `${event} ${fields.worker}/${fields.generation}`);
  // The old workers stand by until the last new one has proved itself.
  assertEquals(order, [
    ...[1, 2, 3].map((slot) => `accepting ${slot}/2`),
    ...[1, 2, 3].map((slot) => `retiring ${slot}/1`),
  ]);
});

Deno.test("with one worker there is no moment without one", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
touch-chain-reload = reload
deno-worker-override = app.ts`,
    files: HELLO,
  });
  await using running = master;
  const before = await getJson<Identity>(`http://${addresses[0]}/`);
  let finished = false;
  const reloaded = running.reload().then(() => finished = true);
  while (!finished) await getText(`http://${addresses[0]}/`);
  await reloaded;
  const after = await getJson<Identity>(`http://${addresses[0]}/`);
  assert(after.pid !== before.pid);
});

Deno.test("new code that cannot start ends the chain, and repaired code goes through", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
processes = 3
touch-chain-reload = reload
deno-worker-override = app.ts`,
    files: HELLO,
  });
  await using running = master;
  const url = `http://${addresses[0]}/`;
  const old = running.acceptingPids();
  running.write({ "app.ts": `const = 1;` });
  assertEquals((await running.reload()).outcome, "rolled-back");
  const { message = "" } = running.events.findLast(({ event }) => event === "reloadFinished") ?? {};
  assertMatch(message, /worker 1 exited with code 1.*SyntaxError.*app\.ts:1:7/);
  assertStringIncludes(message, "Slots 1, 2, 3 run generation 1");
  assertEquals(running.acceptingPids(), old);
  await getText(url);

  // The new code starts in one slot and not in the next: the first slot goes back.
  running.write({
    "app.ts": `import uwsgi from "uwsgi";
if (uwsgi.worker_id() === 2) throw new Error("not here");
uwsgi.serve(() => new Response("half"));`,
  });
  assertEquals((await running.reload()).outcome, "rolled-back");
  const half = running.events.findLast(({ event }) => event === "reloadFinished")?.message ?? "";
  assertStringIncludes(half, "Slots 1, 2, 3 run generation 1");
  assertEquals(running.acceptingPids(), old);

  // Without a way back, the first slot keeps its new worker.
  running.writeIni(`http-socket = 127.0.0.1:0
processes = 3
touch-chain-reload = reload
chain-reload-rollback = false
deno-worker-override = app.ts`);
  running.write(HELLO);
  assertEquals((await running.reload(() => running.signal("SIGHUP"))).outcome, "done");
  running.write({
    "app.ts": `import uwsgi from "uwsgi";
if (uwsgi.worker_id() === 2) throw new Error("not here");
uwsgi.serve(() => new Response("half"));`,
  });
  assertEquals((await running.reload()).outcome, "failed");
  const mixed = running.events.findLast(({ event }) => event === "reloadFinished")?.message ?? "";
  assertStringIncludes(mixed, "Slot 1 runs generation 5; slots 2, 3 run generation 4");

  running.write(HELLO);
  assertEquals((await running.reload()).outcome, "done");
  for (const [slot, pid] of running.acceptingPids()) assert(pid !== old.get(slot));
});

Deno.test("a second trigger while a chain runs is queued once", async () => {
  const { master } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
processes = 2
touch-chain-reload = one
touch-chain-reload = two
touch-chain-reload = three
deno-worker-override = app.ts`,
    files: {
      "app.ts": `import uwsgi from "uwsgi";
await new Promise((resolve) => setTimeout(resolve, 300));
uwsgi.serve(() => new Response("x"));`,
    },
  });
  await using running = master;
  running.touch("one");
  running.touch("two");
  running.touch("three");
  await running.until(() => running.count("reloadFinished") === 2, "two reloads");
  await running.until(() => running.count("gone") === 4, "end of the old workers");
  assertEquals(running.count("reloadRequested"), 3);
  const generations = running.events.filter(({ event }) => event === "accepting")
    .map(({ fields }) => fields.generation);
  assertEquals(generations, [1, 1, 2, 2, 3, 3]);
  assertEquals(await running.stop(), 0);
  assertEquals(running.count("reloadFinished"), 2);
});

Deno.test("SIGHUP reads the INI again and names what needs a restart", async () => {
  const ini = (processes: number, greeting: string, reusePort: boolean) =>
    `http-socket = 127.0.0.1:0
processes = ${processes}
reuse-port = ${reusePort}
env = GREETING=${greeting}
deno-worker-override = app.ts`;
  const { master, addresses } = await readyMaster({
    ini: ini(2, "old", true),
    files: {
      "app.ts": `import uwsgi from "uwsgi";
uwsgi.serve(() => Response.json({
  greeting: Deno.env.get("GREETING"), worker: uwsgi.worker_id(), numproc: uwsgi.numproc,
}));`,
    },
  });
  await using running = master;
  const url = `http://${addresses[0]}/`;
  const hangUp = () => running.reload(() => running.signal("SIGHUP"));
  const answers = async (workers: number) => {
    const seen = new Map<number, unknown>();
    while (seen.size < workers) {
      const answer = await getJson<{ worker: number; greeting: string; numproc: number }>(url);
      seen.set(answer.worker, [answer.greeting, answer.numproc]);
    }
    return seen;
  };

  running.writeIni(ini(3, "new", false));
  assertEquals((await hangUp()).outcome, "done");
  await running.until(() => running.count("gone") === 2, "end of the old workers");
  assertEquals([...(await answers(3)).values()], Array(3).fill(["new", 3]));
  assertEquals((await running.waitFor("needsRestart")).option, "reuse-port");

  running.writeIni("procesess = 4");
  assertEquals((await hangUp()).outcome, "failed");
  assert(running.events.some(({ message }) => message.includes(`did you mean "processes"`)));
  assertEquals([...(await answers(3)).values()], Array(3).fill(["new", 3]));

  running.writeIni(ini(1, "last", true));
  assertEquals((await hangUp()).outcome, "done");
  await running.until(() => running.count("gone") === 5, "end of three more workers");
  // The queues of the slots that are gone are served by the one worker that is left.
  for (let i = 0; i < 30; i++) {
    assertEquals(await getJson(url), { greeting: "last", worker: 1, numproc: 1 });
  }
});

Deno.test("a configuration that failed with its reload is forgotten", async () => {
  const ini = (bad: number) =>
    `http-socket = 127.0.0.1:0
env = BAD=${bad}
touch-chain-reload = reload
deno-worker-override = app.ts`;
  const { master, addresses } = await readyMaster({
    ini: ini(0),
    files: {
      "app.ts": `import uwsgi from "uwsgi";
if (Deno.env.get("BAD") === "1") throw new Error("bad");
uwsgi.serve(() => new Response(Deno.env.get("BAD")));`,
    },
  });
  await using running = master;
  running.writeIni(ini(1));
  running.signal("SIGHUP");
  assertEquals((await running.waitFor("reloadFinished")).outcome, "rolled-back");
  assertEquals((await running.reload()).outcome, "done");
  assertEquals(await getText(`http://${addresses[0]}/`), "0");
});

Deno.test("touch-reload reloads everything, also when its file appears later", async () => {
  const { master } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
processes = 2
touch-reload = later
deno-worker-override = app.ts`,
    files: HELLO,
  });
  await using running = master;
  running.touch("later");
  const { kind, outcome } = await running.waitFor("reloadFinished");
  assertEquals([kind, outcome], ["all", "done"]);
  await running.until(() => running.count("gone") === 2, "end of the old workers");
  // Its removal triggers nothing, and a second appearance does.
  Deno.removeSync(running.path("later"));
  await running.until(() => !exists(running.path("later")), "removal");
  const from = running.events.length;
  running.touch("later");
  await running.waitFor("reloadFinished", () => true, from);
  await running.until(() => running.count("gone") === 4, "end of the second workers");
  assertEquals(running.count("reloadRequested"), 2);
});

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

Deno.test("a WebSocket is told to go (1001) towards the end of the mercy", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
worker-reload-mercy = 1.5
touch-chain-reload = reload
deno-worker-override = app.ts`,
    files: {
      "app.ts": `import uwsgi from "uwsgi";
uwsgi.serve((request) => {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onmessage = ({ data }) => socket.send("echo " + data);
  return response;
});`,
    },
  });
  await using running = master;
  const socket = new WebSocket(`ws://${addresses[0]}/`);
  const opened = Promise.withResolvers<void>();
  const echoed = Promise.withResolvers<unknown>();
  const closed = Promise.withResolvers<CloseEvent>();
  socket.onopen = () => opened.resolve();
  socket.onmessage = ({ data }) => echoed.resolve(data);
  socket.onclose = (event) => closed.resolve(event);
  await opened.promise;
  await running.reload();
  // The old worker still serves it.
  socket.send("hello");
  assertEquals(await echoed.promise, "echo hello");
  assertEquals((await closed.promise).code, 1001);
  const { how } = await running.waitFor("gone");
  assertEquals(how, "exited with code 0");
});

Deno.test("an idle connection sees an orderly end, and no reset for what it sends too late", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
worker-reload-mercy = 4
touch-chain-reload = reload
deno-worker-override = app.ts`,
    files: HELLO,
  });
  await using running = master;
  const [hostname = "", port] = (addresses[0] ?? "").split(":");
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const request = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const buffer = new Uint8Array(4096);
  await connection.write(request);
  assert((await connection.read(buffer) ?? 0) > 0);
  assertEquals((await running.reload()).outcome, "done");
  // Near the end of the mercy the old worker says goodbye …
  assertEquals(await connection.read(buffer), null);
  // … and goes on reading what crosses that.
  await connection.write(request);
  assertEquals(await connection.read(buffer), null);
  connection.closeWrite();
  const { how } = await running.waitFor("gone");
  assertEquals(how, "exited with code 0");
});

Deno.test("a worker that is sent a signal itself is replaced without a gap", async () => {
  const { master, addresses } = await readyMaster({
    ini: "http-socket = 127.0.0.1:0\ndeno-worker-override = app.ts",
    files: HELLO,
  });
  await using running = master;
  const { pid } = await getJson<Identity>(`http://${addresses[0]}/`);
  Deno.kill(pid, "SIGTERM");
  await running.waitFor("gone", (fields) => fields.pid === pid && fields.reason === "signal");
  const after = await getJson<Identity>(`http://${addresses[0]}/`);
  assert(after.pid !== pid);
});
