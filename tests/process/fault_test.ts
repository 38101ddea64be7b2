/** Faults of docs/reliability.md that no other process test is about. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { getJson, getText, getUnix, type Identity } from "../helpers/http.ts";
import { readyMaster, type RunningMaster, startMaster } from "../helpers/running_master.ts";
import { readStats } from "../helpers/stats.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";

const HELLO = { "app.ts": { fixture: "workers/hello.ts" } };

/** Asks for a reload, and waits for its end. */
async function reload(running: RunningMaster, signal: "SIGHUP" | "SIGUSR2"): Promise<string> {
  return String((await running.reload(() => running.signal(signal))).outcome);
}

Deno.test("when all workers are killed at once, who connects meanwhile is served by the next", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
socket = %DIR%/app.sock
processes = 3
deno-worker-override = app.ts`,
    files: HELLO,
  });
  await using running = master;
  const old = [...running.acceptingPids().values()];
  for (const pid of old) Deno.kill(pid, "SIGKILL");
  await running.until(() => running.processes().every((pid) => !old.includes(pid)), "their end");
  const asked = Array.from(
    { length: 20 },
    () => getJson<Identity>(`http://${addresses[0]}/`),
  );
  const unix = getUnix(running.path("app.sock"));
  for (const { pid } of await Promise.all(asked)) assert(!old.includes(pid));
  assertStringIncludes(await unix, "200 OK");
  await running.until(() => running.count("accepting") === 6, "three new workers");
  const { fields } = running.events.find(({ event }) => event === "died") ?? {};
  assertEquals(fields?.how, "was killed by SIGKILL");
});

Deno.test("a killed master leaves no worker behind, and its files do not keep the next from starting", async () => {
  using directory = new TempDirectory();
  const ini = `socket = ${directory.at("app.sock")}
control-socket = ${directory.at("ctl.sock")}
pidfile = ${directory.at("app.pid")}
processes = 2
worker-reload-mercy = 1
deno-worker-override = app.ts`;
  const { master } = await readyMaster({
    ini,
    files: {
      "app.ts": `import uwsgi from "uwsgi";
uwsgi.serve(() => { uwsgi.log("began"); return new Promise(() => {}); });`,
    },
  });
  await using first = master;
  const endless = getUnix(directory.at("app.sock")).catch(() => "");
  await first.until(() => first.output.includes("began"), "request");
  first.signal("SIGKILL");
  await first.eventually(() => first.processes().length === 0, "end of the workers");
  assertEquals(await endless, "");
  assertEquals(directory.names, ["app.pid", "app.sock", "ctl.sock"]);

  const { master: next } = await readyMaster({ ini, files: HELLO });
  await using second = next;
  assertEquals(Deno.readTextFileSync(directory.at("app.pid")).trim(), String(second.pid));
  assertStringIncludes(await getUnix(directory.at("app.sock")), "200 OK");
});

Deno.test("broken code of every kind fails a reload, and the workers serve on", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
processes = 2
start-timeout = 5
chain-reload-verify = 0
deno-worker-override = app.ts`,
    files: HELLO,
  });
  await using running = master;
  const old = running.acceptingPids();
  const broken: readonly [code: string, verdict: RegExp][] = [
    ["const = 1;", /SyntaxError.*app\.ts:1:7/],
    [`import "./missing.ts";`, /Module not found.*missing\.ts/],
    [`throw new RangeError("no luck");`, /RangeError: no luck.*app\.ts:1/],
    [`console.log("done");`, /exited with code 0/],
    ["Deno.exit(3);", /exited with code 3/],
    ["setInterval(() => {}, 1000);", /did not accept within/],
  ];
  for (const [code, verdict] of broken) {
    running.write({ "app.ts": code });
    assertEquals(await reload(running, "SIGUSR2"), "rolled-back", code);
    const last = running.events.findLast(({ event }) => event === "reloadFinished");
    assertMatch(last?.message ?? "", verdict);
    assertStringIncludes(last?.message ?? "", "Slots 1, 2 run generation 1");
    const { pid, worker } = await getJson<Identity>(`http://${addresses[0]}/`);
    assertEquals(pid, old.get(worker));
  }
  running.write(HELLO);
  assertEquals(await reload(running, "SIGUSR2"), "done");
});

Deno.test("the master's program is replaced while no worker can start, and repaired code is served", async () => {
  const ini = (mask: string) =>
    `http-socket = 127.0.0.1:0
processes = 2
umask = ${mask}
chain-reload-verify = 0
deno-worker-override = app.ts`;
  const { master, addresses } = await readyMaster({ ini: ini("022"), files: HELLO });
  await using running = master;
  running.write({ "app.ts": `throw new Error("broken");` });
  for (const pid of running.acceptingPids().values()) Deno.kill(pid, "SIGKILL");
  for (const worker of [1, 2]) {
    await running.waitFor("backoff", (fields) => fields.worker === worker);
  }
  // It waits in the queue, across all that follows.
  const waiting = getJson<Identity>(`http://${addresses[0]}/`);
  running.writeIni(ini("027"));
  assertEquals(await reload(running, "SIGHUP"), "failed");
  running.write(HELLO);
  running.writeIni(ini("077"));
  assertEquals(await reload(running, "SIGHUP"), "done");
  const { pid } = await waiting;
  // A worker that was started again between the two reloads may have been the first.
  assert(running.events.some(({ event, fields }) => event === "accepting" && fields.pid === pid));
  const replaced = running.events.filter(({ message }) =>
    message.includes("the master's program was replaced")
  );
  assert(replaced.length >= 1);
  assertEquals(await running.stop(), 0);
});

/** Logs with each request; `/flood` fills what there is. */
const CHATTY = `import uwsgi from "uwsgi";
uwsgi.serve((request) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/flood") for (let i = 0; i < 200; i++) uwsgi.log("x".repeat(1000));
  if (pathname === "/console") console.log("a line of the script's own");
  if (pathname === "/throw") throw new Error("thrown");
  uwsgi.log("asked for " + pathname);
  return Response.json({ pid: Deno.pid, worker: uwsgi.worker_id() });
});`;

Deno.test("a master that cannot write a line of its log serves, reloads and stops", async () => {
  await using running = startMaster({
    ini: `http-socket = %DIR%/app.sock
chain-reload-verify = 0
attach-daemon = while true; do echo daemon; echo daemon >&2; sleep 0.1; done
deno-worker-override = app.ts
stats = %DIR%/stats.sock
log-encoder = text`,
    files: { "app.ts": CHATTY },
    launcher: ["sh", "-c", 'exec "$@" >/dev/full 2>/dev/full', "sh"],
  });
  const ask = (path = "/") => getUnix(running.path("app.sock"), path).catch(() => "");
  const answeringPid = async () => Number(/"pid":(\d+)/.exec(await ask())?.[1] ?? 0);
  await running.until(async () => await answeringPid() > 0, "first answer");
  for (let i = 0; i < 5; i++) assertStringIncludes(await ask("/flood"), "200 OK");
  const old = await answeringPid();
  // Deno's own console would throw, also where Deno.serve reports what a handler has thrown.
  assertMatch(await ask("/console"), /^HTTP\/1.1 200 /);
  // What is lost is counted: 200 lines in each of five floods, and one for each other request.
  const { log_lines_lost: lost } = await readStats(running.path("stats.sock"));
  assert(lost > 1000, String(lost));
  assertMatch(await ask("/throw"), /^HTTP\/1.1 500 /);
  assertEquals(await answeringPid(), old);
  running.signal("SIGUSR2");
  await running.until(async () => {
    const pid = await answeringPid();
    return pid > 0 && pid !== old;
  }, "answer of a new worker");
  assertEquals(await running.stop(), 0);
});

/** Why nothing can be mounted here; null: it can. */
async function mountObstacle(): Promise<string | null> {
  const args = ["--mount", "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "/mnt"];
  try {
    const { success, stderr } = await new Deno.Command("unshare", { args }).output();
    return success ? null : new TextDecoder().decode(stderr).trim();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const obstacle = await mountObstacle();
const skipped = obstacle === null ? "" : ` (skipped: ${obstacle})`;

Deno.test({
  name: `a flood of lines fills the disk of the log, and with room it goes on${skipped}`,
  ignore: obstacle !== null,
  fn: async () => {
    const mountThenRun = 'mount -t tmpfs -o size=64k tmpfs disk && exec "$@"';
    await using running = startMaster({
      ini: `http-socket = %DIR%/app.sock
processes = 2
chain-reload-verify = 0
daemonize = %DIR%/disk/log.txt
safe-pidfile = %DIR%/m.pid
deno-worker-override = app.ts`,
      files: { "app.ts": CHATTY, "disk/empty": "" },
      // The disk is seen, and gone, with the master alone.
      launcher: ["unshare", "--mount", "sh", "-c", mountThenRun, "sh"],
    });
    assertEquals(await running.exitCode(), 0);
    await running.eventually(() => running.read("m.pid") !== "", "pidfile");
    const pid = Number(running.read("m.pid"));
    const log = `/proc/${pid}/root${running.path("disk/log.txt")}`;
    const ask = (page: string) => getUnix(running.path("app.sock"), page);
    for (let i = 0; i < 20; i++) assertStringIncludes(await ask("/flood"), "200 OK");
    const full = Deno.statSync(log).size;
    assertStringIncludes(await ask("/flood"), "200 OK");
    assertEquals(Deno.statSync(log).size, full);
    const old = running.processes();
    Deno.kill(pid, "SIGUSR2");
    const fresh = () => running.processes().filter((one) => !old.includes(one)).length;
    await running.eventually(
      () => fresh() === 2 && running.processes().length === 3,
      "two new workers instead of the old ones",
    );
    assertStringIncludes(await ask("/"), "200 OK");
    assert(!Deno.readTextFileSync(log).includes("reloadFinished"));
    Deno.truncateSync(log);
    assertStringIncludes(await ask("/after"), "200 OK");
    assertStringIncludes(Deno.readTextFileSync(log), '"asked for /after"');
    Deno.kill(pid, "SIGTERM");
    await running.eventually(() => running.processes().length === 0, "end of the daemon");
  },
});

Deno.test("workers that flood the log keep neither clients nor the master waiting", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
processes = 2
chain-reload-verify = 0
deno-worker-override = app.ts`,
    files: {
      "app.ts": `import uwsgi from "uwsgi";
const line = "flood of worker " + uwsgi.worker_id() + " " + "x".repeat(2000);
setInterval(() => { for (let i = 0; i < 50; i++) uwsgi.log(line); }, 1);
uwsgi.serve(() => Response.json({ pid: Deno.pid, worker: uwsgi.worker_id() }));`,
    },
  });
  await using running = master;
  const old = running.acceptingPids();
  const flood = () => running.output.length;
  for (let round = 0; round < 3; round++) {
    const before = flood();
    for (let i = 0; i < 5; i++) await getText(`http://${addresses[0]}/`);
    assertEquals(await reload(running, "SIGUSR2"), "done");
    await running.until(() => flood() > before + 100, "more lines");
  }
  for (const [slot, pid] of running.acceptingPids()) assert(pid !== old.get(slot));
  assertEquals(await running.stop(), 0);
  // Lines of the master and of the workers are whole.
  const odd = running.output.filter((line) => !/^flood of worker [12] x{2000}$/.test(line));
  assertEquals(odd, []);
});

Deno.test("50 reloads leave no descriptor, process, file or memory behind", async () => {
  const { master } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
chain-reload-verify = 0
deno-worker-override = app.ts`,
    files: HELLO,
  });
  await using running = master;
  const own = () =>
    [...Deno.readDirSync(running.directory)].filter(({ name }) => name.startsWith("duwsgi-"))
      .flatMap(({ name }) => [...Deno.readDirSync(running.path(name))]).length;
  const descriptors = () => [...Deno.readDirSync(`/proc/${running.pid}/fd`)].length;
  const children = () =>
    Deno.readTextFileSync(`/proc/${running.pid}/task/${running.pid}/children`).trim();
  const memory = () =>
    Number(
      /^VmRSS:\s+(\d+)/m.exec(Deno.readTextFileSync(`/proc/${running.pid}/status`))?.[1],
    );
  const rounds = async (first: number, last: number) => {
    for (let i = first; i <= last; i++) {
      assertEquals(await reload(running, i % 2 === 0 ? "SIGHUP" : "SIGUSR2"), "done");
      await running.until(() => running.count("gone") === i, `end of worker ${i}`);
    }
  };
  await rounds(1, 10);
  const before = { descriptors: descriptors(), files: own(), memory: memory() };
  await rounds(11, 50);
  await running.until(() => descriptors() <= before.descriptors, "release of descriptors");
  assertEquals(own(), before.files);
  assertEquals(running.processes().length, 2);
  await running.until(() => children().split(" ").length === 1, "one child, dead ones included");
  assert(memory() < 2 * before.memory, `${memory()} kB after ${before.memory} kB`);
});

/** Opens a WebSocket that stays until the other side closes it, and promises the code it gets then. */
async function openWebSocket(url: string): Promise<{ readonly closed: Promise<number> }> {
  const socket = new WebSocket(url);
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<number>();
  socket.onopen = () => opened.resolve();
  socket.onerror = () => opened.reject(new Error("The WebSocket was not opened"));
  socket.onclose = ({ code }) => closed.resolve(code);
  await opened.promise;
  return { closed: closed.promise };
}

Deno.test("a storm of reloads with open WebSockets has two generations alive at most", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
processes = 2
worker-reload-mercy = 3
chain-reload-verify = 0
deno-worker-override = app.ts`,
    files: {
      "app.ts": `import uwsgi from "uwsgi";
uwsgi.serve((request) => Deno.upgradeWebSocket(request).response);`,
    },
  });
  await using running = master;
  const sockets: { readonly closed: Promise<number> }[] = [];
  let most = 0;
  let round = 0;
  await running.until(async () => {
    running.signal(round++ % 2 === 0 ? "SIGHUP" : "SIGUSR2");
    const open = [1, 2, 3].map(() => openWebSocket(`ws://${addresses[0]}/`));
    sockets.push(...await Promise.all(open));
    most = Math.max(most, running.processes().length);
    return running.count("reloadFinished") >= 4;
  }, "four reloads");
  assert(round > 8, `${round} requests for a reload`);
  assert(most <= 5, `${most} processes`);
  const alive = new Map<unknown, unknown>();
  for (const { event, fields } of running.events) {
    if (event === "accepting") alive.set(fields.pid, fields.generation);
    if (event === "gone") alive.delete(fields.pid);
    assert(new Set(alive.values()).size <= 2, `generations ${[...alive.values()]}`);
  }
  assertEquals(await running.stop(), 0);
  const codes = new Set(await Promise.all(sockets.map(({ closed }) => closed)));
  assertEquals(codes, new Set([1001]));
});
