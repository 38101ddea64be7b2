/** Signals that come at bad times, and signals to the workers themselves. */
import { assert, assertEquals } from "@std/assert";
import { readyMaster, type RunningMaster, startMaster } from "../helpers/running_master.ts";

const INI = `http-socket = 127.0.0.1:0
socket = %DIR%/app.sock
vacuum = true
processes = 2
deno-worker-override = app.ts`;
const HELLO = { "app.ts": { fixture: "workers/hello.ts" } };

/** The next turn of the event loop. */
function context(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Names in the test's directory, but for the files that the test wrote. */
function traces(running: RunningMaster): string[] {
  return [...Deno.readDirSync(running.directory)].map(({ name }) => name)
    .filter((name) => name !== "app.ini" && name !== "app.ts");
}

Deno.test("a stop that comes while the sockets are opened is an orderly one", async () => {
  for (let round = 0; round < 10; round++) {
    await using running = startMaster({ ini: INI, files: HELLO });
    while (traces(running).length === 0) await context();
    running.signal("SIGTERM");
    assertEquals(await running.exitCode(), 0);
    assertEquals(traces(running), []);
  }
});

Deno.test("stops that come all the time while it starts leave nothing behind", async () => {
  for (let round = 0; round < 15; round++) {
    await using running = startMaster({ ini: INI, files: HELLO });
    // Each round begins a little later, so that all of the start gets its turn.
    for (let turns = round * 10; turns > 0; turns--) await context();
    let code: number | null = null;
    const end = running.exitCode().then((value) => code = value);
    while (code === null) {
      try {
        running.signal("SIGTERM");
      } catch (error) {
        // It has ended, and its exit code is on the way.
        assert(error instanceof TypeError, String(error));
      }
      await context();
    }
    // Killed before it could say anything, stopped, or stopped at once by the second signal.
    assert([143, 0, 5].includes(await end), String(code));
    assertEquals(traces(running), []);
    await running.until(() => running.processes().length === 0, "end of all processes");
  }
});

const WAYS = {
  "a handler": `uwsgi.on_reload(() => wait());`,
  "a listener of its own": `Deno.addSignalListener("SIGTERM", async () => {
  await wait();
  Deno.exit();
});`,
  "Node's listener": `import process from "node:process";
process.on("SIGTERM", async () => {
  await wait();
  process.exit();
});`,
};

for (const [name, code] of Object.entries(WAYS)) {
  Deno.test(`a worker with ${name} that gets a signal is replaced before it is gone`, async () => {
    const { master } = await readyMaster({
      ini: `http-socket = 127.0.0.1:0\ndeno-worker-override = app.ts`,
      files: {
        // The first worker leaves only when its successor accepts; the successor when it is told to.
        "app.ts": `import uwsgi from "uwsgi";
${code}
const first = !exists("first");
if (first) Deno.writeTextFileSync("first", "");
async function wait() {
  uwsgi.log("decides itself");
  while (first && !exists("successor")) await new Promise((done) => setTimeout(done, 10));
}
function exists(name) {
  try { return Deno.statSync(name).isFile; } catch { return false; }
}
uwsgi.serve(() => new Response("x"));`,
      },
    });
    await using running = master;
    const pid = running.acceptingPids().get(1) ?? 0;
    Deno.kill(pid, "SIGTERM");
    await running.waitFor("accepting", (fields) => fields.pid !== pid);
    assertEquals(running.events.filter(({ event }) => event === "gone"), []);
    running.touch("successor");
    await running.waitFor("gone", (fields) => fields.pid === pid && fields.reason === "signal");
    assertEquals(running.output.filter((line) => line.includes("decides itself")).length, 1);
    assertEquals(await running.stop(), 0);
  });
}
