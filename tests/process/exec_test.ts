/** Reloads that replace the master's own program, in place. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { loseNothing, targetAt } from "../helpers/reload_load.ts";
import { readyMaster, type RunningMaster } from "../helpers/running_master.ts";

const HANDLER = new URL("../fixtures/apps/loss_handler.ts", import.meta.url).href;

const LOSS_APP = `import uwsgi from "uwsgi";
import { lossHandler } from "${HANDLER}";
uwsgi.serve(lossHandler({ pid: Deno.pid, worker: uwsgi.worker_id() }));`;

const CWD_APP = `import uwsgi from "uwsgi";
uwsgi.serve(() => new Response([Deno.cwd(), uwsgi.masterpid(), uwsgi.workers()
  .reduce((sum, { requests }) => sum + requests, 0)].join(" ")));`;

/** Has the configuration read again, and waits for the end of the reload. */
function sighup(running: RunningMaster) {
  return running.reload(() => running.signal("SIGHUP"));
}

function descriptors(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

Deno.test("the master's program is replaced under load, and no client notices", async () => {
  const ini = (mask: string) =>
    `http-socket = 127.0.0.1:0
socket = %DIR%/app.sock
processes = 2
umask = ${mask}
worker-reload-mercy = 20
chain-reload-verify = 0
deno-worker-override = app.ts`;
  const { master, addresses } = await readyMaster({
    ini: ini("022"),
    files: { "app.ts": LOSS_APP },
  });
  await using running = master;
  const mix = { "close": 2, "keep-alive": 2, "idle": 1, "post": 1, "pipelined": 1, "websocket": 1 };
  const end = new AbortController();
  const load = loseNothing(addresses.map(targetAt), mix, end.signal);
  for (const mask of ["077", "027", "007"]) {
    running.writeIni(ini(mask));
    assertEquals((await sighup(running)).outcome, "done");
  }
  const replaced = running.events.filter(({ message }) =>
    message.includes("the master's program was replaced")
  );
  assertEquals(replaced.length, 3);
  end.abort();
  await load;
});

Deno.test("a replaced program keeps pid, sockets and counts, and leaves nothing open", async () => {
  const ini = (directory: string) =>
    `http-socket = 127.0.0.1:0
processes = 2
chain-reload-verify = 0
worker-reload-mercy = 5
chdir = %DIR%/${directory}
deno-worker-override = %DIR%/app.ts`;
  const { master, addresses } = await readyMaster({
    ini: ini("a"),
    files: { "app.ts": CWD_APP, "a/x": "", "b/x": "" },
  });
  await using running = master;
  const url = `http://${addresses[0]}/`;
  const open: number[] = [];
  for (const [i, directory] of ["b", "a", "b", "a"].entries()) {
    running.writeIni(ini(directory));
    assertEquals((await sighup(running)).outcome, "done");
    const gone = 2 * (i + 1);
    await running.until(() => running.count("gone") === gone, "end of the old workers");
    assertEquals(
      await getText(url),
      `${running.directory}/${directory} ${running.pid} ${i + 1}`,
    );
    open.push(descriptors(running.pid));
  }
  // For a moment a Deno that has just started may have more open, when it looks for a newer version.
  const least = Math.min(...open.slice(1));
  await running.until(() => descriptors(running.pid) <= least, "as few descriptors as before");
});

Deno.test("the program is not replaced under a worker that is just starting", async () => {
  // The daemon is slow to leave, and takes the worker with it: its successor starts meanwhile.
  const daemon =
    `trap 'kill -KILL $(cat worker.pid); sleep 0.02; exit' TERM; while :; do sleep 0.05; done`;
  const ini = (mask: string) =>
    `http-socket = 127.0.0.1:0
chdir = %DIR%
umask = ${mask}
attach-daemon = ${daemon}
chain-reload-verify = 0
deno-worker-override = app.ts`;
  const app = `Deno.writeTextFileSync("worker.pid", String(Deno.pid));
await new Promise((resolve) => setTimeout(resolve, 300));
${CWD_APP}`;
  const { master, addresses } = await readyMaster({ ini: ini("022"), files: { "app.ts": app } });
  await using running = master;
  running.writeIni(ini("027"));
  assertEquals((await sighup(running)).outcome, "done");
  assertEquals([running.count("died"), running.count("startFailed")], [1, 0]);
  assertEquals(
    await getText(`http://${addresses[0]}/`).then((text) => text.split(" ")[1]),
    String(running.pid),
  );
});

Deno.test("a socket that goes is served to its last connection", async () => {
  const ini = (rest: string) =>
    `http-socket = 127.0.0.1:0
chain-reload-verify = 2
deno-worker-override = app.ts
${rest}`;
  const { master, addresses } = await readyMaster({
    ini: ini("http-socket = 127.0.0.1:0"),
    files: { "app.ts": CWD_APP },
  });
  await using running = master;
  const [, going = ""] = addresses;
  running.writeIni(ini(""));
  const from = running.events.length;
  running.signal("SIGHUP");
  // Until the new worker has proved itself, the old one goes on serving what only it has.
  await running.waitFor("accepting", (fields) => fields.generation === 2, from);
  for (let i = 0; i < 20; i++) await getText(`http://${going}/`);
  await running.waitFor("reloadFinished", () => true, from);
  await running.waitFor("gone", () => true, from);
  const [hostname = "", port] = going.split(":");
  await assertRejects(() => Deno.connect({ hostname, port: Number(port) }));
});

Deno.test("sockets come and go with a reload, and those that stay keep their address", async () => {
  const ini = (rest: string) =>
    `http-socket = 127.0.0.1:0
chain-reload-verify = 0
deno-worker-override = app.ts
${rest}`;
  const { master, addresses } = await readyMaster({
    ini: ini("http-socket = %DIR%/old.sock"),
    files: { "app.ts": CWD_APP },
  });
  await using running = master;
  running.writeIni(ini("http-socket = %DIR%/new.sock"));
  assertEquals((await sighup(running)).outcome, "done");
  await getText(`http://${addresses[0]}/`);
  const client = Deno.createHttpClient({
    proxy: { transport: "unix", path: `${running.directory}/new.sock` },
  });
  assertStringIncludes(await (await fetch("http://localhost/", { client })).text(), "/");
  client.close();
  await running.waitFor("gone");
  const old = await Deno.stat(`${running.directory}/old.sock`).then(() => true, () => false);
  assertEquals(old, false);
});

Deno.test("what a new program could not do is found before anything is given up", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const ini = (rest: string) =>
    `http-socket = 127.0.0.1:0
deno-worker-override = app.ts
${rest}`;
  const { master, addresses } = await readyMaster({ ini: ini(""), files: { "app.ts": CWD_APP } });
  await using running = master;
  const worker = running.acceptingPids();
  for (
    const [rest, why] of [
      [`http-socket = 127.0.0.1:${taken.addr.port}`, "address already in use"],
      ["chdir = %DIR%/nowhere", "nowhere"],
      ["http-socket = 127.0.0.1:0\nlisten = many", "the configuration has errors"],
    ] as const
  ) {
    running.writeIni(ini(rest));
    assertEquals((await sighup(running)).outcome, "failed");
    const last = running.events.findLast(({ event }) => event === "reloadFinished");
    assertStringIncludes(last?.message ?? "", why);
    await getText(`http://${addresses[0]}/`);
  }
  running.write({ "app.ts": "import './missing.ts';" });
  running.writeIni(ini("umask = 077"));
  assertEquals((await sighup(running)).outcome, "failed");
  await getText(`http://${addresses[0]}/`);
  assertEquals(running.acceptingPids(), worker);
});

Deno.test("after a failed start of the new program's workers the old ones go on", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0\nprocesses = 2\ndeno-worker-override = app.ts`,
    files: { "app.ts": CWD_APP },
  });
  await using running = master;
  const workers = running.acceptingPids();
  running.write({ "app.ts": "throw new Error('not today');" });
  running.writeIni(
    `http-socket = 127.0.0.1:0\nprocesses = 2\numask = 077\ndeno-worker-override = app.ts`,
  );
  assertEquals((await sighup(running)).outcome, "rolled-back");
  assertEquals(running.acceptingPids(), workers);
  for (let i = 0; i < 10; i++) await getText(`http://${addresses[0]}/`);
  running.write({ "app.ts": CWD_APP });
  assertEquals((await sighup(running)).outcome, "done");
});

Deno.test("a stop that comes while daemons are ended for a new program is not lost", async () => {
  const ini = (mask: string) =>
    `http-socket = 127.0.0.1:0
umask = ${mask}
reload-mercy = 2
attach-daemon = trap 'touch asked' TERM; while :; do sleep 0.1; done
deno-worker-override = app.ts`;
  const { master } = await readyMaster({ ini: ini("022"), files: { "app.ts": CWD_APP } });
  await using running = master;
  running.writeIni(ini("077"));
  running.signal("SIGHUP");
  // Its program would be replaced as soon as the daemon is gone.
  await running.eventually(() => {
    try {
      return Deno.statSync(`${running.directory}/asked`).isFile;
    } catch {
      return false;
    }
  }, "end of the daemon");
  running.signal("SIGTERM");
  assertEquals(await running.exitCode(), 0);
});
