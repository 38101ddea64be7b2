import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { getJson, getText, type Identity } from "../helpers/http.ts";
import { readyMaster, startMaster } from "../helpers/running_master.ts";
import { pauseOfSlot } from "../../lib/core/restart_policy.ts";

const HELLO = { "app.ts": { fixture: "workers/hello.ts" } };

Deno.test("a killed worker is replaced at once, and its signal is named", async () => {
  const { master, addresses } = await readyMaster({
    ini: "http-socket = 127.0.0.1:0\nprocesses = 2\ndeno-worker-override = app.ts",
    files: HELLO,
  });
  await using running = master;
  const { pid, worker } = await getJson<Identity>(`http://${addresses[0]}/`);
  const from = running.events.length;
  Deno.kill(pid, "SIGKILL");
  const { how } = await running.waitFor("died", (fields) => fields.pid === pid);
  assertEquals(how, "was killed by SIGKILL");
  await running.waitFor("accepting", (fields) => fields.worker === worker, from);
  for (let i = 0; i < 20; i++) {
    assert((await getJson<Identity>(`http://${addresses[0]}/`)).pid !== pid);
  }
});

Deno.test("a slot whose worker keeps dying waits longer each time, and siblings serve it", async () => {
  const { master, addresses } = await readyMaster({
    ini: "http-socket = 127.0.0.1:0\nprocesses = 2\ndeno-worker-override = app.ts",
    files: {
      "app.ts": `import uwsgi from "uwsgi";
try { Deno.statSync("broken"); if (uwsgi.worker_id() === 2) throw new Error("broken"); }
catch (error) { if (!(error instanceof Deno.errors.NotFound)) throw error; }
uwsgi.serve(() => Response.json({ pid: Deno.pid, worker: uwsgi.worker_id() }));`,
    },
  });
  await using running = master;
  running.touch("broken");
  const victim = running.acceptingPids().get(2) ?? 0;
  Deno.kill(victim, "SIGKILL");
  const expected = [pauseOfSlot(2, 2), pauseOfSlot(3, 2)];
  await running.waitFor("backoff", (fields) => fields.pauseMs === expected[1]);
  const pauses = running.events.filter(({ event }) => event === "backoff")
    .map(({ fields }) => fields.pauseMs);
  assertEquals(pauses, expected);
  // Half of the connections arrive in the queue of the slot that has no worker.
  for (let i = 0; i < 40; i++) {
    assertEquals((await getJson<Identity>(`http://${addresses[0]}/`)).worker, 1);
  }
  const failure = running.events.find(({ event }) => event === "startFailed");
  assertStringIncludes(failure?.message ?? "", "Error: broken");
  Deno.removeSync(running.path("broken"));
  const from = running.events.length;
  await running.waitFor("accepting", (fields) => fields.worker === 2, from);
  const seen = new Set<number>();
  while (seen.size < 2) seen.add((await getJson<Identity>(`http://${addresses[0]}/`)).worker);
});

Deno.test("when the master is killed, workers finish what they have and leave nothing", async () => {
  const options = {
    ini: `http-socket = 127.0.0.1:0
socket = %DIR%/app.sock
processes = 2
worker-reload-mercy = 20
deno-worker-override = app.ts`,
    files: {
      "app.ts": `import uwsgi from "uwsgi";
uwsgi.serve(async () => {
  uwsgi.log("request began");
  await new Promise((resolve) => setTimeout(resolve, 400));
  return new Response("finished");
});`,
    },
  };
  const { master, addresses } = await readyMaster(options);
  await using running = master;
  const answer = getText(`http://${addresses[0]}/`);
  await running.until(() => running.output.includes("request began"), "request");
  running.signal("SIGKILL");
  assertEquals(await answer, "finished");
  await running.until(() => running.processes().length === 0, "end of the workers");
});

Deno.test("after a killed master the same configuration starts again", async () => {
  const ini = `socket = %DIR%/app.sock
deno-worker-override = app.ts`;
  const { master } = await readyMaster({ ini, files: HELLO });
  await using first = master;
  first.signal("SIGKILL");
  await first.until(() => first.processes().length === 0, "end of the workers");
  const second = await readyMaster({
    ini: `socket = ${first.path("app.sock")}\ndeno-worker-override = app.ts`,
    files: HELLO,
  });
  await using again = second.master;
  assertEquals(second.addresses, [first.path("app.sock")]);
  assertEquals(await again.stop(), 0);
});

Deno.test("a worker whose event loop hangs does not outlive a killed master for ever", async () => {
  const { master } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
worker-reload-mercy = 1
deno-worker-override = app.ts`,
    files: {
      "app.ts": `import uwsgi from "uwsgi";
uwsgi.serve(() => new Response("x"));
setTimeout(() => { console.error("hanging"); while (true); }, 10);`,
    },
  });
  await using running = master;
  await running.until(() => running.output.includes("hanging"), "hang");
  const [worker = 0] = running.acceptingPids().values();
  // The kernel is told to end it: the death signal is set, and its handler is not the default one.
  const status = Deno.readTextFileSync(`/proc/${worker}/status`);
  const caught = BigInt(`0x${/^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1]}`);
  assert((caught >> 35n & 1n) === 1n, "signal 36 has a handler");
  Deno.kill(worker, "SIGKILL");
});

Deno.test("the queue of a worker that listened and died before it accepted is served", async () => {
  await using running = startMaster({
    ini: "http-socket = 127.0.0.1:0\nprocesses = 2\ndeno-worker-override = app.ts",
    files: {
      "app.ts": `import uwsgi from "uwsgi";
const [socket] = uwsgi.sockets;
socket.serve(() => Response.json({ pid: Deno.pid, worker: uwsgi.worker_id(), at: socket.address }));
if (uwsgi.worker_id() === 2) throw new Error("no warm-up today");
uwsgi.log("address " + socket.address);
uwsgi.accepting();`,
    },
  });
  await running.waitFor("backoff", (fields) => Number(fields.pauseMs) >= 1000);
  const address = running.output.find((line) => line.startsWith("address "))?.slice(8);
  for (let i = 0; i < 40; i++) {
    assertEquals((await getJson<Identity>(`http://${address}/`)).worker, 1);
  }
});
