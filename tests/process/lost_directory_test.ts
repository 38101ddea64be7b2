/** What a master has in TMPDIR goes while it runs, as cleaners of old files do it, and nobody notices. */
import { assertEquals } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { duwsgi } from "../helpers/program.ts";
import { readyMaster, type RunningMaster } from "../helpers/running_master.ts";

const APP = `import uwsgi from "uwsgi";
uwsgi.serve(() => new Response("ok"));`;

const MULE = `import uwsgi from "uwsgi";
uwsgi.log(\`mule \${Deno.pid} is up\`);
while (true) await uwsgi.mule_msg_get();`;

const INI = `http-socket = 127.0.0.1:0
processes = 2
mule = mule.ts
touch-chain-reload = %DIR%/reload
touch-reload = %DIR%/reload-all
worker-reload-mercy = 5
deno-worker-override = app.ts`;

/** Directories that the master has, or has had. */
function directories(running: RunningMaster): string[] {
  return [...Deno.readDirSync(running.directory)].map(({ name }) => name)
    .filter((name) => name.startsWith("duwsgi-")).map((name) => running.path(name));
}

/** What a cleaner of old files removes, which leaves sockets in use. */
function losePlainFiles(directory: string): void {
  for (const { name, isFile } of Deno.readDirSync(directory)) {
    if (isFile) Deno.removeSync(`${directory}/${name}`);
  }
}

function loseFacts(directory: string): void {
  for (const { name } of Deno.readDirSync(directory)) {
    if (name.startsWith("facts_")) Deno.removeSync(`${directory}/${name}`);
  }
}

function loseSockets(directory: string): void {
  for (const { name } of Deno.readDirSync(directory)) {
    if (name.endsWith(".sock")) Deno.removeSync(`${directory}/${name}`);
  }
}

function loseDirectory(directory: string): void {
  Deno.removeSync(directory, { recursive: true });
}

/** What needs something of it, by name: asks for it, and waits until it is done. */
const NEEDS: Readonly<Record<string, (running: RunningMaster) => Promise<void>>> = {
  "chain reload": async (running) => {
    assertEquals((await running.reload()).outcome, "done");
  },
  "reload of all workers": async (running) => {
    assertEquals((await running.reload(() => running.touch("reload-all"))).outcome, "done");
  },
  "SIGHUP": async (running) => {
    assertEquals((await running.reload(() => running.signal("SIGHUP"))).outcome, "done");
  },
  "a worker that crashes": async (running) => {
    const [[slot, pid] = [0, 0]] = running.acceptingPids();
    const from = running.events.length;
    Deno.kill(pid, "SIGKILL");
    await running.waitFor("accepting", ({ worker }) => worker === slot, from);
  },
  "a mule that crashes": async (running) => {
    const mule = running.events.findLast(({ event, fields }) =>
      event === "companionStarted" && fields.mule === 1
    );
    const from = running.events.length;
    Deno.kill(Number(mule?.fields.pid), "SIGKILL");
    const { pid } = await running.waitFor("companionStarted", ({ mule }) => mule === 1, from);
    await running.until(() => running.output.includes(`mule ${pid} is up`), "mule");
  },
  "another program": async (running) => {
    running.writeIni(INI + `\nstats = %DIR%/stats-${running.events.length}`);
    assertEquals((await running.reload(() => running.signal("SIGHUP"))).outcome, "done");
  },
};

/** `ctl` reaches the master, now or when it has looked again. */
async function reachable(running: RunningMaster): Promise<void> {
  const call = async () => (await duwsgi(["ctl", "--pid", String(running.pid), "status"])).code;
  await running.until(async () => await call() === 0, "answer to ctl");
}

/** Something is lost before everything that needs it. */
async function goesOn(lose: (directory: string) => void): Promise<void> {
  const { master, addresses: [address] } = await readyMaster({
    ini: INI,
    files: { "app.ts": APP, "mule.ts": MULE },
  });
  await using running = master;
  await running.waitFor("companionStarted", ({ mule }) => mule === 1);
  for (const [need, satisfy] of Object.entries(NEEDS)) {
    const [directory = ""] = directories(running);
    lose(directory);
    await satisfy(running);
    assertEquals(await getText(`http://${address}/`), "ok", need);
    assertEquals(directories(running), [directory], need);
  }
  await reachable(running);
  assertEquals(await running.stop(), 0);
  assertEquals(directories(running), []);
}

Deno.test("an instance whose directory loses its plain files goes on", () =>
  goesOn(losePlainFiles));

Deno.test("an instance whose directory loses its facts only goes on", () => goesOn(loseFacts));

Deno.test("an instance whose directory loses its sockets goes on", () => goesOn(loseSockets));

Deno.test("an instance that loses its directory goes on", () => goesOn(loseDirectory));

Deno.test("ctl finds a master whose directory was removed, also when nothing else happens", async () => {
  const { master } = await readyMaster({ ini: INI, files: { "app.ts": APP, "mule.ts": MULE } });
  await using running = master;
  const [directory = ""] = directories(running);
  Deno.removeSync(directory, { recursive: true });
  await running.waitFor("directoryRenewed");
  await reachable(running);
});

Deno.test("workers that are started later find what they need: scale, lifetime, idle", async () => {
  const { master, addresses: [address] } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
max-requests = 5
min-worker-lifetime = 0
deno-worker-override = app.ts`,
    files: { "app.ts": APP },
  });
  await using running = master;
  const lose = () => losePlainFiles(directories(running)[0] ?? "");
  lose();
  const scaled = await duwsgi(["ctl", "--pid", String(running.pid), "scale", "2"]);
  assertEquals(scaled.code, 0, scaled.stderr);
  await running.waitFor("accepting", ({ worker }) => worker === 2);
  lose();
  const from = running.events.length;
  await running.until(async () => {
    await getText(`http://${address}/`);
    return running.events.slice(from).some(({ event }) => event === "accepting");
  }, "successor of a worker that has had its requests");
});

Deno.test("an idle instance whose directory was emptied wakes up", async () => {
  const { master, addresses: [address] } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
idle = 1
deno-worker-override = app.ts`,
    files: { "app.ts": APP },
  });
  await using running = master;
  await running.until(() => running.processes().length === 1, "instance without workers");
  losePlainFiles(directories(running)[0] ?? "");
  assertEquals(await getText(`http://${address}/`), "ok");
});

Deno.test("sandboxed workers find what they need again, in the directory of their rules", async () => {
  const { master, addresses: [address] } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
touch-chain-reload = %DIR%/reload
allow-env = HOME
deno-worker-override = app.ts`,
    files: { "app.ts": APP },
  });
  await using running = master;
  for (const lose of [losePlainFiles, loseDirectory]) {
    const [directory = ""] = directories(running);
    for (const need of ["a worker that crashes", "chain reload"]) {
      lose(directory);
      await NEEDS[need]?.(running);
      assertEquals(await getText(`http://${address}/`), "ok", `${lose.name}, ${need}`);
    }
  }
});
