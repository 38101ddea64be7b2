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

/** Starts a child that writes its pid to a file. */
const MULE = `new Deno.Command("sh", {
  args: ["-c", "echo $$ > of-mule.new && mv of-mule.new of-mule; exec sleep 1000"],
  stdin: "null", stdout: "null", stderr: "null",
}).spawn();
await new Promise(() => setInterval(() => {}, 1000));
`;

Deno.test("what mules and daemons have started stays when a worker is killed", async () => {
  const write = "echo $$ > of-daemon.new && mv of-daemon.new of-daemon; exec sleep 1000";
  const { master } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
deno-worker-override = app.ts
worker-reload-mercy = 1
mule = mule.js
attach-daemon = sh -c '${write}' & wait`,
    files: { "app.ts": APP, "mule.js": MULE },
  });
  await using running = master;
  const others = await pidsOf(running, ["of-mule", "of-daemon"]);
  await pidsOf(running, STARTED);
  Deno.kill(running.acceptingPids().get(1) ?? 0, "SIGKILL");
  const { pids } = await running.waitFor("descendantsKilled");
  assertEquals((pids as number[]).filter((pid) => others.includes(pid)), []);
  const left = running.processes();
  // Ending them is the business of those who have started them; here nobody else does.
  for (const pid of others) Deno.kill(pid, "SIGKILL");
  for (const pid of others) assert(left.includes(pid), `${pid} is gone`);
});
