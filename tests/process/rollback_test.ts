/** Reloads that go back, with real workers and clients. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { loseNothing, targetAt } from "../helpers/reload_load.ts";
import { readyMaster, type RunningMaster } from "../helpers/running_master.ts";

const HANDLER = new URL("../fixtures/apps/loss_handler.ts", import.meta.url).href;

/** An app that does `mischief` in slot 2 while there is a file `broken`. */
function app(mischief: string): string {
  return `import uwsgi from "uwsgi";
import { lossHandler } from "${HANDLER}";
const broken = await Deno.stat("broken").then(() => true, () => false);
if (broken && uwsgi.worker_id() === 2) { ${mischief} }
uwsgi.serve(lossHandler({ pid: Deno.pid, worker: uwsgi.worker_id() }));`;
}

function lastVerdict(running: RunningMaster): string {
  return running.events.findLast(({ event }) => event === "reloadFinished")?.message ?? "";
}

Deno.test("going back under load loses nothing, over TCP and a Unix socket", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
socket = %DIR%/app.sock
processes = 3
worker-reload-mercy = 20
chain-reload-verify = 0
touch-chain-reload = reload
deno-worker-override = app.ts`,
    files: { "app.ts": app(`throw new Error("not here");`) },
  });
  await using running = master;
  const mix = { "close": 2, "keep-alive": 2, "idle": 1, "post": 1, "pipelined": 1, "websocket": 1 };
  const end = new AbortController();
  const load = loseNothing(addresses.map(targetAt), mix, end.signal);
  const old = running.acceptingPids();
  running.write({ broken: "" });
  for (let i = 0; i < 3; i++) {
    assertEquals((await running.reload()).outcome, "rolled-back");
    assertEquals(running.acceptingPids(), old);
  }
  Deno.removeSync(`${running.directory}/broken`);
  assertEquals((await running.reload()).outcome, "done");
  end.abort();
  await load;
});

Deno.test("new code that dies after it accepted is taken back in all slots", async () => {
  const { master } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
processes = 2
chain-reload-verify = 20
touch-chain-reload = reload
deno-worker-override = app.ts`,
    files: { "app.ts": app(`queueMicrotask(() => setTimeout(() => Deno.exit(3), 200));`) },
  });
  await using running = master;
  const old = running.acceptingPids();
  running.write({ broken: "" });
  assertEquals((await running.reload()).outcome, "rolled-back");
  assertStringIncludes(lastVerdict(running), "worker 2 exited with code 3");
  assertStringIncludes(lastVerdict(running), "Slots 1, 2 run generation 1");
  assertEquals(running.acceptingPids(), old);
});

Deno.test("a script that leaves its own way cannot come back, and the log says so", async () => {
  const { master } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
processes = 2
touch-chain-reload = reload
deno-worker-override = app.ts`,
    files: {
      "app.ts": app(`throw new Error("not here");`) + "\nuwsgi.on_reload(() => {});",
    },
  });
  await using running = master;
  running.write({ broken: "" });
  await running.reload();
  assertStringIncludes(lastVerdict(running), "Slot 1 runs generation 2; slot 2 runs generation 1");
});
