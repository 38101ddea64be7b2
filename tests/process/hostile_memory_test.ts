/** Workers that write garbage to shared memory, or lie to their master: it goes on. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path/posix";
import type { Stats } from "../../lib/stats/stats.ts";
import { getJson, getText } from "../helpers/http.ts";
import { duwsgi } from "../helpers/program.ts";
import { readyMaster, type RunningMaster } from "../helpers/running_master.ts";
import { readStats, statsAddresses, total } from "../helpers/stats.ts";

const LIAR = fromFileUrl(new URL("../fixtures/workers/liar.js", import.meta.url));
const GARBAGE_WRITER = fromFileUrl(
  new URL("../fixtures/workers/garbage_writer.js", import.meta.url),
);

const GOOD_APP = `import uwsgi from "uwsgi";
uwsgi.serve(() => new Response("good " + uwsgi.worker_id()));`;

/** Everything in the master that goes by numbers of the shared memory. */
const ALL_THAT_COUNTS = `stats = 127.0.0.1:0
metrics-http = 127.0.0.1:0
stats-push = file:path=%DIR%/pushed,freq=1
metric = visits
metric = name=times,type=histogram,bounds=10;100,reset_after_push
metric = name=sum,type=gauge,collector=sum,children=worker.1.requests;worker.2.requests
metric = name=all,type=counter,collector=accumulator,children=worker.2.running_time
metric = name=mean,type=gauge,collector=avg,children=worker.0.avg_response_time;visits
metric = name=kept,type=gauge,collector=accumulator,children=visits,freq=86400
metric = name=copy,type=alias,alias=worker.1.avg_response_time
metric-threshold = key=sum,value=1,rate=1
metric-threshold = key=worker.1.requests,value=1,rate=1
metrics-dir = %DIR%
max-requests = 100000
harakiri = 3600
hang-timeout = 3600
chain-reload-verify = 0
worker-reload-mercy = 5
touch-chain-reload = %DIR%/reload`;

/** Where a master shows how it is. */
interface Views {
  readonly stats: string;
  readonly http: string;
}

async function viewsOf(running: RunningMaster): Promise<Views> {
  const http = () =>
    running.events.flatMap(({ message }) =>
      /^Metrics and probes at (.*)$/.exec(message)?.[1] ?? []
    )[0];
  await running.until(
    () => http() !== undefined && statsAddresses(running).length > 0,
    "addresses of the views",
  );
  return { stats: statsAddresses(running)[0] ?? "", http: `http://${http()}` };
}

/** A master that hangs answers nobody (30 s): only failures take that long. */
const PATIENCE_MS = 30_000;

/** The master answers everybody who asks how it is, in numbers. */
async function assertAnswers(running: RunningMaster, views: Views): Promise<Stats> {
  const { promise: patience, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("The master does not answer")), PATIENCE_MS);
  try {
    return await Promise.race([answers(running, views), patience]);
  } finally {
    clearTimeout(timer);
  }
}

async function answers(running: RunningMaster, { stats, http }: Views): Promise<Stats> {
  assertEquals(await getText(`${http}/healthz`), "ok\n");
  const metrics = await getText(`${http}/metrics`);
  for (const line of metrics.split("\n")) {
    // The bounds of buckets are the one place where there is infinity.
    assert(line.startsWith("#") || !/NaN|Inf/.test(line.replace('le="+Inf"', "")), line);
  }
  assertNumbers(await getJson(`${http}/stats`), "stats");
  const { code, stdout, stderr } = await duwsgi([
    "ctl",
    "--socket",
    running.path("ctl.sock"),
    "status",
  ]);
  assertEquals(code, 0, stderr);
  assert(!/NaN|Infinity/.test(stdout), stdout);
  return await readStats(stats);
}

/** What may be null in the stats; JSON has no other word for a number that is none. */
const MAY_BE_NULL = ["reload", "queued", "respawn_in_ms", "last_leave", "reason", "pid"];

function assertNumbers(value: unknown, name: string): void {
  if (value === null) assert(MAY_BE_NULL.includes(name), `${name} is null`);
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    assertNumbers(inner, Array.isArray(value) ? name : key);
  }
}

Deno.test("the master answers, reloads, goes on in another program and stops, whatever a worker writes to shared memory", async () => {
  const ini = (mask: string) =>
    `http-socket = 127.0.0.1:0
processes = 3
cheaper = 2
cheaper-algo = busyness
umask = ${mask}
control-socket = %DIR%/ctl.sock
${ALL_THAT_COUNTS}
deno-worker-override = app.js`;
  const { master, addresses } = await readyMaster({
    ini: ini("022"),
    files: { "app.js": Deno.readTextFileSync(GARBAGE_WRITER) },
  });
  await using running = master;
  const views = await viewsOf(running);
  const seed = Math.floor(Math.random() * 2 ** 31);
  let writing = true;
  // Its own deadlines may be garbage as well, and then it is killed in the middle of it.
  const written = getText(`http://${addresses[0]}/write?rounds=1499&seed=${seed}`)
    .catch(() => null).finally(() => writing = false);
  for (let asked = 0; writing || asked < 3; asked++) {
    const { workers } = await assertAnswers(running, views);
    assertEquals(workers.length, 3, `seed ${seed}`);
  }
  // Nobody can take the memory away: that would kill whoever reads it.
  assertMatch(await written ?? "truncated -1,-1", /^truncated -1,-1$/);
  running.write({ "app.js": GOOD_APP });
  assertEquals((await running.reload()).outcome, "done", `seed ${seed}`);
  assertMatch(await getText(`http://${addresses[0]}/`), /^good [123]$/);
  const before = total(await assertAnswers(running, views), ({ requests }) => requests);
  for (let i = 0; i < 20; i++) await getText(`http://${addresses[0]}/`);
  const after = async () => total(await readStats(views.stats), ({ requests }) => requests);
  assertEquals(await after(), before + 20, `seed ${seed}`);
  // Another program of the master knows what this one knew.
  running.writeIni(ini("027"));
  assertEquals((await running.reload(() => running.signal("SIGHUP"))).outcome, "done");
  assertEquals(await after(), before + 20);
  await getText(`http://${addresses[0]}/`);
  assertEquals(total(await assertAnswers(running, views), ({ requests }) => requests), before + 21);
  assertEquals(await running.stop(), 0);
});

/** Asks until every worker has told this lie, and returns how often was asked. */
async function haveTold(address: string, lie: string): Promise<number> {
  const told = new Set<string>();
  for (let asked = 1;; asked++) {
    told.add(await getText(`http://${address}/${lie}`));
    if (told.size === 2) return asked;
  }
}

Deno.test("a worker without permissions changes no numbers but its own, whatever it has replaced", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
processes = 2
allow-net = false
control-socket = %DIR%/ctl.sock
enable-metrics = true
${ALL_THAT_COUNTS}
deno-worker-override = ${LIAR}`,
  });
  await using running = master;
  const views = await viewsOf(running);
  const address = addresses[0] ?? "";
  let asked = 0;
  for (const lie of ["counts", "metrics", "scoreboard", "losses", "truth"]) {
    asked += await haveTold(address, lie);
  }
  const stats = await assertAnswers(running, views);
  assertEquals(total(stats, ({ requests }) => requests), asked);
  const { metrics = {}, workers } = stats;
  for (const { id, requests, delta_requests, exceptions, respawn_count } of workers) {
    assert(requests > 0 && exceptions === 0, `worker ${id}: ${requests}, ${exceptions}`);
    // The lie about counts sets deadlines that are over. A worker is replaced if its master looks then.
    const expected = respawn_count > 1 ? Math.min(delta_requests, requests) : requests;
    assertEquals(delta_requests, expected, `worker ${id}, started ${respawn_count} times`);
  }
  // What only the master may change, and what belongs to no metric.
  assertEquals(metrics.kept?.value, 0);
  const { buckets, sum } = metrics.times?.histogram ?? { buckets: [], sum: 0 };
  assertEquals([buckets.slice(1), sum % 9], [[0, 0], 0]);
  await running.until(
    async () => (await readStats(views.stats)).metrics?.sum?.value === asked,
    "what the collector has counted",
  );
  const from = running.events.length;
  for (const pid of running.acceptingPids().values()) Deno.kill(pid, "SIGKILL");
  await running.waitFor("accepting", ({ worker }) => worker === 1, from);
  await running.waitFor("accepting", ({ worker }) => worker === 2, from);
  assertEquals(total(await assertAnswers(running, views), ({ requests }) => requests), asked);
  assertEquals(await running.stop(), 0);
});

/** A mule that logs what it is told. */
const MULE = `import uwsgi from "uwsgi";
while (true) {
  const text = await uwsgi.mule_msg_get();
  uwsgi.log("mule: " + text.slice(0, 20));
}`;

Deno.test("a worker that floods its control pipe, or says what cannot be, holds up nobody", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
processes = 2
allow-net = false
worker-control = false
control-socket = %DIR%/ctl.sock
mule = mule.js
${ALL_THAT_COUNTS}
deno-worker-override = ${LIAR}`,
    files: { "mule.js": MULE },
  });
  await using running = master;
  const views = await viewsOf(running);
  const tell = (lie: string) => getText(`http://${addresses[0]}/${lie}`);
  for (const lie of ["reloads", "mules", "accepting", "numbers"]) {
    assertMatch(await tell(lie), /^worker [12]$/);
    await assertAnswers(running, views);
    const heard = () => running.output.includes(`mule: after ${lie}`);
    await running.until(heard, `what was said after ${lie}`);
  }
  // One line for many: each of these was said hundreds of times.
  for (const event of ["controlRefused", "muleMessageDropped"]) {
    assert(running.count(event) > 0 && running.count(event) < 50, event);
  }
  assertEquals(running.count("reloadRequested"), 0);
  assertEquals(running.count("pipeBroken"), 0);
  // What a mule must not be told costs the worker its life.
  await tell("long");
  const { worker } = await running.waitFor("pipeBroken");
  await running.waitFor("accepting", (fields) => fields.worker === worker);
  await assertAnswers(running, views);
  assertEquals(await running.stop(), 0);
});

/** A mule that asks for many texts, and reads none after the first. */
const DEAF_MULE = `import uwsgi from "uwsgi";
const asked = Array.from({ length: 200 }, () => uwsgi.mule_msg_get());
await asked[0];
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`;

Deno.test("a mule that does not read what it asked for is killed before that fills the master's memory", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
mule = mule.js
mule-reload-mercy = 1
deno-worker-override = ${LIAR}`,
    files: { "mule.js": DEAF_MULE },
  });
  await using running = master;
  await running.waitFor("companionStarted");
  assertEquals(await getText(`http://${addresses[0]}/fill`), "worker 1");
  await running.waitFor("pipeBroken", ({ mule }) => mule === 1);
  assertStringIncludes(
    running.events.find(({ event }) => event === "pipeBroken")?.message ?? "",
    "does not read its control pipe",
  );
  await running.waitFor("companionGone", ({ how }) => how === "was killed by SIGKILL");
  assertEquals(await running.stop(), 0);
});

Deno.test("a master whose files have been removed reloads with new ones, and stops", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
touch-chain-reload = %DIR%/reload
chain-reload-verify = 0
deno-worker-override = app.js`,
    files: { "app.js": GOOD_APP },
  });
  await using running = master;
  const own = [...Deno.readDirSync(running.directory)].find(({ name }) => /^duwsgi-/.test(name));
  const directory = running.path(own?.name ?? "");
  for (const { name } of Deno.readDirSync(directory)) {
    if (name.endsWith(".json")) Deno.removeSync(`${directory}/${name}`);
  }
  assertEquals((await running.reload()).outcome, "done");
  assertEquals((await running.reload()).outcome, "done");
  assertEquals(await getText(`http://${addresses[0]}/`), "good 1");
  assertEquals(await running.stop(), 0);
});
