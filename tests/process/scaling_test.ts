/** Workers that come and go with the load, and instances without any, as real processes. */
import { assert, assertEquals } from "@std/assert";
import { getJson, getText, getUnix, type Identity } from "../helpers/http.ts";
import { readyMaster, type RunningMaster } from "../helpers/running_master.ts";

const HELLO = { "app.ts": { fixture: "workers/hello.ts" } };

/** Answers `/wait` as soon as there is a file `go`, and everything else at once. */
const WAITING = `import uwsgi from "uwsgi";
uwsgi.serve(async (request) => {
  if (new URL(request.url).pathname === "/wait") {
    console.error("waiting");
    const there = () => Deno.stat("go").then(() => true, () => false);
    while (!await there()) await new Promise((done) => setTimeout(done, 20));
  }
  return Response.json({ pid: Deno.pid, worker: uwsgi.worker_id() });
});`;

async function start(ini: string, files: Record<string, string | { fixture: string }> = HELLO) {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0\ndeno-worker-override = app.ts\n${ini}`,
    files,
  });
  return { master, url: `http://${addresses[0]}` };
}

/** Waits until only the master is left. */
async function untilAlone(running: RunningMaster): Promise<void> {
  await running.until(() => running.processes().length === 1, "master without workers");
}

function wanted(running: RunningMaster): unknown[] {
  return running.events.filter(({ event }) => event === "wanted").map(({ fields }) => fields.to);
}

Deno.test("cheap starts no worker before the first connection, which is served", async () => {
  const { master, url } = await start(
    "processes = 3\ncheap = true\ncheaper = 1\ncheaper-initial = 2",
  );
  await using running = master;
  assertEquals(running.processes(), [running.pid]);
  const { worker } = await getJson<Identity>(url);
  assert(worker <= 2);
  await running.until(() => running.acceptingPids().size === 2, "two workers");
  assertEquals(wanted(running)[0], 2);
});

Deno.test("cheap starts all workers without cheaper, and one master stops without any", async () => {
  const { master, url } = await start("processes = 2\ncheap = true");
  await using running = master;
  await Promise.all(Array.from({ length: 20 }, () => getText(url)));
  await running.until(() => running.acceptingPids().size === 2, "two workers");
  const { master: other } = await start("cheap = true");
  await using sleeping = other;
  assertEquals(await sleeping.stop(), 0);
});

Deno.test("cheap waits on a Unix socket as well", async () => {
  const { master } = await readyMaster({
    ini: "socket = %DIR%/app.sock\ndeno-worker-override = app.ts\nprocesses = 2\ncheap = true",
    files: HELLO,
  });
  await using running = master;
  assertEquals(running.processes().length, 1);
  assert((await getUnix(running.path("app.sock"))).includes('"worker":'));
});

Deno.test("idle sends all workers away, and the next connection brings them back, again and again", async () => {
  const { master, url } = await start("processes = 3\nidle = 1");
  await using running = master;
  for (let round = 0; round < 2; round++) {
    await untilAlone(running);
    // More connections than workers: some are in the queues of slots whose worker is not there yet.
    const answers = await Promise.all(Array.from({ length: 12 }, () => getJson<Identity>(url)));
    assertEquals(answers.length, 12);
  }
  assertEquals(wanted(running).slice(0, 4), [0, 3, 0, 3]);
  assertEquals(running.events.filter(({ event }) => event === "died"), []);
});

Deno.test("idle wakes fewer workers than there are queues, and every queue is served", async () => {
  const { master, url } = await start(
    "processes = 4\ncheaper = 1\ncheaper-initial = 4\ncheaper-overload = 1\nidle = 3",
  );
  await using running = master;
  await untilAlone(running);
  running.writeIni(
    "http-socket = 127.0.0.1:0\ndeno-worker-override = app.ts\n" +
      "processes = 4\ncheaper = 1\ncheaper-overload = 1\nidle = 3",
  );
  running.signal("SIGHUP");
  await running.waitFor("reloadFinished");
  const answers = await Promise.all(Array.from({ length: 24 }, () => getJson<Identity>(url)));
  assertEquals(answers.length, 24);
});

Deno.test("a request in flight keeps an instance from being idle", async () => {
  const { master, url } = await start("processes = 2\nidle = 1", { "app.ts": WAITING });
  await using running = master;
  const answer = getJson<Identity>(`${url}/wait`);
  await running.until(() => running.output.includes("waiting"), "request");
  // A second instance goes idle in the same time.
  const { master: other } = await start("idle = 1");
  await using idle = other;
  await untilAlone(idle);
  assertEquals(running.processes().length, 3);
  running.touch("go");
  assert((await answer).pid > 0);
  await untilAlone(running);
});

Deno.test("die-on-idle stops the instance in order", async () => {
  const { master } = await start("processes = 2\nidle = 1\ndie-on-idle = true");
  await using running = master;
  assertEquals(await running.exitCode(), 0);
});

Deno.test("spare adds workers while all are busy, and lets them go without losing a request", async () => {
  const { master, url } = await start(
    "processes = 3\ncheaper = 1\ncheaper-overload = 1\ncheaper-busy-requests = 4",
    { "app.ts": WAITING },
  );
  await using running = master;
  assertEquals(running.processes().length, 2);
  // As many as it takes: the kernel spreads them as it likes.
  const waiting: Promise<Identity>[] = [];
  await running.until(() => {
    waiting.push(getJson<Identity>(`${url}/wait`));
    return running.acceptingPids().size === 3;
  }, "three workers");
  running.touch("go");
  const answers = await Promise.all(waiting);
  assertEquals(answers.length, waiting.length);
  // While they leave, and afterwards, every queue has somebody.
  await running.until(async () => {
    await Promise.all(Array.from({ length: 8 }, () => getText(url)));
    return wanted(running).at(-1) === 1 && running.processes().length === 2;
  }, "one worker again");
  for (let i = 0; i < 20; i++) assertEquals((await getJson<Identity>(url)).worker, 1);
  assertEquals(running.events.filter(({ event }) => event === "died"), []);
});

Deno.test("backlog adds workers when connections wait", async () => {
  // Slot 1 does nothing else until there is a second worker.
  const blocked = `import uwsgi from "uwsgi";
uwsgi.serve(() => {
  while (uwsgi.worker_id() === 1) {
    try { Deno.statSync("go"); break; } catch { /* not yet */ }
  }
  return Response.json({ pid: Deno.pid, worker: uwsgi.worker_id() });
});`;
  const { master, url } = await start(
    "processes = 2\ncheaper = 1\ncheaper-algo = backlog\ncheaper-overload = 2",
    { "app.ts": blocked },
  );
  await using running = master;
  const answers: Promise<Identity>[] = [];
  await running.until(() => {
    answers.push(getJson<Identity>(url));
    return running.acceptingPids().size === 2;
  }, "two workers");
  running.touch("go");
  assertEquals((await Promise.all(answers)).length, answers.length);
});

Deno.test("a configuration that is read again can begin to scale, and stop it", async () => {
  const base = "http-socket = 127.0.0.1:0\ndeno-worker-override = app.ts\nprocesses = 2\n";
  const { master, addresses } = await readyMaster({ ini: base, files: HELLO });
  await using running = master;
  running.writeIni(`${base}cheaper = 1\ncheaper-overload = 1`);
  running.signal("SIGHUP");
  await running.waitFor("wanted", ({ to }) => to === 1);
  await running.until(() => running.processes().length === 2, "one worker");
  const known = running.events.length;
  running.writeIni(base);
  running.signal("SIGHUP");
  await running.waitFor("wanted", ({ to }) => to === 2, known);
  await running.until(() => running.processes().length === 3, "two workers");
  assert((await getText(`http://${addresses[0]}`)).includes("worker"));
});

Deno.test("a master whose program is replaced goes on with as many workers, also with none", async () => {
  const ini = "deno-worker-override = app.ts\nprocesses = 3\nhttp-socket = 127.0.0.1:0\n";
  for (const [more, workers] of [["cheap = true\nidle = 600", 0], ["cheaper = 1", 1]] as const) {
    const { master, addresses } = await readyMaster({ ini: `${ini}${more}`, files: HELLO });
    await using running = master;
    running.writeIni(`${ini}${more}\nlisten = 77`);
    running.signal("SIGHUP");
    await running.waitFor("reloadFinished");
    await running.until(() => running.processes().length === 1 + workers, `${workers} workers`);
    assertEquals(wanted(running), []);
    assert((await getText(`http://${addresses[0]}`)).includes("worker"));
  }
});

Deno.test("options of scaling without foreign functions are a warning, and all workers run", async () => {
  const { master } = await readyMaster({
    ini: "http-socket = 127.0.0.1:0\ndeno-worker-override = app.ts\n" +
      "processes = 2\ncheap = true\ncheaper = 1",
    files: HELLO,
    permissions: ["-A", "--deny-ffi"],
  });
  await using running = master;
  await running.waitFor("fixedNumber");
  assertEquals(running.processes().length, 3);
});
