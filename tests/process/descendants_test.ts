/** What a worker has started when it has to be killed. */
import { assert, assertEquals } from "@std/assert";
import { readyMaster, type RunningMaster } from "../helpers/running_master.ts";

/** Starts a child, a grandchild, and one in the background of a shell that has ended; then ignores its end. */
const APP = `import uwsgi from "uwsgi";
const start = (script) =>
  new Deno.Command("sh", { args: ["-c", script], stdin: "null", stdout: "null", stderr: "null" }).spawn();
const write = (name) => "echo $$ > " + name + ".new && mv " + name + ".new " + name + "; exec sleep 1000";
start(write("child"));
start("sh -c '" + write("grandchild") + "'; true");
start("(" + write("background").replaceAll("$$", "$(exec sh -c 'echo $PPID')") + ") & exit 0");
uwsgi.on_reload(() => new Promise(() => {}));
uwsgi.serve(() => new Response("here"));
`;

const STARTED = ["child", "grandchild", "background"];

async function pidsOf(running: RunningMaster, names: readonly string[]): Promise<number[]> {
  await running.until(() => names.every((name) => running.read(name) !== ""), "descendants");
  return names.map((name) => Number(running.read(name)));
}

function start(more: string) {
  return readyMaster({
    ini: `http-socket = 127.0.0.1:0
deno-worker-override = app.ts
worker-reload-mercy = 1
${more}`,
    files: { "app.ts": APP },
  });
}

Deno.test("what a worker has started ends with it when it has to be killed at a reload", async () => {
  const { master } = await start("");
  await using running = master;
  const old = await pidsOf(running, STARTED);
  for (const file of STARTED) Deno.removeSync(running.path(file));
  const ended = running.reload(() => running.signal("SIGUSR2"));
  await running.waitFor("killing");
  await running.until(
    () => old.every((pid) => !running.processes().includes(pid)),
    "end of the descendants",
  );
  assertEquals((await ended).outcome, "done");
  const { pids } = await running.waitFor("descendantsKilled");
  for (const pid of old) assert((pids as number[]).includes(pid));
});

Deno.test("what a worker has started ends with it at a stop whose mercy is over, and after a kill from outside", async () => {
  const { master } = await start("");
  await using running = master;
  const first = await pidsOf(running, STARTED);
  for (const file of STARTED) Deno.removeSync(running.path(file));
  Deno.kill(running.acceptingPids().get(1) ?? 0, "SIGKILL");
  await running.waitFor("descendantsKilled");
  await running.until(
    () => first.every((pid) => !running.processes().includes(pid)),
    "end of the descendants",
  );
  await pidsOf(running, STARTED);
  // Whoever is left would be found when the test ends.
  await running.stop();
});

/**
 * Starts a child in a session of its own, a grandchild in one, and a child in the session of the worker that
 * has a child in a session of its own.
 */
const SESSIONS_APP = `import uwsgi from "uwsgi";
const start = (script, detached) =>
  new Deno.Command("sh", { args: ["-c", script], detached, stdin: "null", stdout: "null", stderr: "null" }).spawn();
const write = (name) => "echo $$ > " + name + ".new && mv " + name + ".new " + name + "; exec sleep 1000";
start(write("own"), true);
start("sh -c '" + write("below") + "'; true", true);
start("setsid sh -c '" + write("grandchild") + "'; true", false);
uwsgi.serve(() => new Response("here"));
`;
const IGNORES_ITS_END = "uwsgi.on_reload(() => new Promise(() => {}));";

const IN_SESSIONS = ["own", "below", "grandchild"];

function startSessions(more: string) {
  return readyMaster({
    ini: `http-socket = 127.0.0.1:0
deno-worker-override = app.ts
worker-reload-mercy = 1`,
    files: { "app.ts": SESSIONS_APP + more },
  });
}

Deno.test("what a worker has started in other sessions ends with it when its master has to kill it", async () => {
  const { master } = await startSessions(IGNORES_ITS_END);
  await using running = master;
  const old = await pidsOf(running, IN_SESSIONS);
  for (const file of IN_SESSIONS) Deno.removeSync(running.path(file));
  const ended = running.reload(() => running.signal("SIGUSR2"));
  const { pids } = await running.waitFor("descendantsKilled");
  for (const pid of old) assert((pids as number[]).includes(pid), `${pid} was left alone`);
  await running.until(
    () => old.every((pid) => !running.processes().includes(pid)),
    "end of the descendants",
  );
  assertEquals((await ended).outcome, "done");
  // Whoever is left of the successor would be found when the test ends.
  await running.stop();
});

Deno.test("what is below the session of a worker ends with it after a kill from outside", async () => {
  const { master } = await startSessions(IGNORES_ITS_END);
  await using running = master;
  const [own = 0, below = 0, grandchild = 0] = await pidsOf(running, IN_SESSIONS);
  const from = running.events.length;
  Deno.kill(running.acceptingPids().get(1) ?? 0, "SIGKILL");
  const { pids } = await running.waitFor("descendantsKilled");
  const left = running.processes();
  for (const pid of [own, below]) Deno.kill(pid, "SIGKILL");
  assert((pids as number[]).includes(grandchild), `${grandchild} was left alone`);
  // Whose children these were, nobody could tell any more.
  for (const pid of [own, below]) assert(left.includes(pid), `${pid} is gone`);
  // Its successor has to be killed, and nothing is left of that one.
  await running.waitFor("accepting", undefined, from);
  await running.stop();
});

function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1]);
}

Deno.test("what a worker that leaves in order has started stays, and the master does not become its parent", async () => {
  const { master } = await startSessions("");
  await using running = master;
  const old = await pidsOf(running, IN_SESSIONS);
  for (const file of IN_SESSIONS) Deno.removeSync(running.path(file));
  assertEquals((await running.reload(() => running.signal("SIGUSR2"))).outcome, "done");
  const young = await pidsOf(running, IN_SESSIONS);
  // Many programs end when the parent that has started them is gone, and know it by the number 1.
  for (const pid of old) assert(parentOf(pid) !== running.pid);
  assertEquals(await running.stop(), 0);
  const left = running.processes();
  for (const pid of left) Deno.kill(pid, "SIGKILL");
  for (const pid of [...old, ...young]) assert(left.includes(pid), `${pid} is gone`);
});

const WRITE = (name: string) => `echo $$ > ${name}.new && mv ${name}.new ${name}; exec sleep 1000`;

/** Starts a child in its session, and one in a session of its own. */
const MULE = `import uwsgi from "uwsgi";
const start = (script, detached) => new Deno.Command("sh", {
  args: ["-c", script], detached, stdin: "null", stdout: "null", stderr: "null",
}).spawn();
start("${WRITE("of-mule")}", false);
start("${WRITE("own-of-mule")}", true);
setInterval(() => {}, 1000);
`;

const OF_OTHERS = ["of-mule", "own-of-mule", "of-daemon"];

function startOthers(more: string) {
  return readyMaster({
    ini: `http-socket = 127.0.0.1:0
deno-worker-override = app.ts
worker-reload-mercy = 1
mule-reload-mercy = 1
mule = mule.js
attach-daemon = sh -c '${WRITE("of-daemon")}' & wait`,
    files: { "app.ts": APP, "mule.js": MULE + more },
  });
}

Deno.test("what mules and daemons have started stays when a worker is killed", async () => {
  const { master } = await startOthers("");
  await using running = master;
  const others = await pidsOf(running, OF_OTHERS);
  await pidsOf(running, STARTED);
  Deno.kill(running.acceptingPids().get(1) ?? 0, "SIGKILL");
  const { pids } = await running.waitFor("descendantsKilled");
  assertEquals((pids as number[]).filter((pid) => others.includes(pid)), []);
  const left = running.processes();
  // Ending them is the business of those who have started them; here nobody else does.
  for (const pid of others) Deno.kill(pid, "SIGKILL");
  for (const pid of others) assert(left.includes(pid), `${pid} is gone`);
});

Deno.test("what a mule has started ends with it when it has to be killed, and leaves daemons alone", async () => {
  const { master } = await startOthers(IGNORES_ITS_END);
  await using running = master;
  const [session = 0, own = 0, daemon = 0] = await pidsOf(running, OF_OTHERS);
  for (const file of OF_OTHERS) Deno.removeSync(running.path(file));
  const mule = (await running.waitFor("companionStarted", ({ mule }) => mule === 1)).pid;
  running.signal("SIGHUP");
  const { pids } = await running.waitFor("descendantsKilled", ({ pid }) => pid === mule);
  assertEquals([...pids as number[]].sort(), [session, own].sort());
  assert(running.processes().includes(daemon));
  // Whoever is left of its successor would be found when the test ends.
  await pidsOf(running, ["of-mule", "own-of-mule"]);
});

Deno.test("what a daemon has started in its group ends with it when it is killed", async () => {
  const { master } = await startOthers(IGNORES_ITS_END);
  await using running = master;
  const [session = 0, own = 0, daemon = 0] = await pidsOf(running, OF_OTHERS);
  Deno.removeSync(running.path("of-daemon"));
  const { pid } = await running.waitFor("companionStarted", ({ command }) => command !== undefined);
  Deno.kill(Number(pid), "SIGKILL");
  await running.until(() => !running.processes().includes(daemon), "end of the daemon's child");
  await pidsOf(running, ["of-daemon"]);
  const left = running.processes();
  for (const other of [session, own]) assert(left.includes(other), `${other} is gone`);
});
