/** Unix sockets and FIFOs whose files somebody removes while the instance runs. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { getUnix } from "../helpers/http.ts";
import { readyMaster, type RunningMaster } from "../helpers/running_master.ts";

const APP = {
  "app.ts": `import uwsgi from "uwsgi";
uwsgi.serve(async (request) => {
  if (!request.url.endsWith("/slow")) return new Response("answer of " + Deno.pid);
  console.log("slow request began");
  for (;;) {
    try { Deno.statSync("go"); return new Response("slow and well"); } catch { /* not yet */ }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});`,
};
const INI = `http-socket = %DIR%/app.sock
processes = 2
chmod-socket = 640
touch-chain-reload = reload
vacuum = true
deno-worker-override = app.ts`;
const WAYS_IN = `stats = %DIR%/stats.sock
metrics-http = %DIR%/metrics.sock
control-socket = %DIR%/control.sock
master-fifo = %DIR%/fifo`;

/** What was said about files that are gone, in order. */
function said(master: RunningMaster, event: string): readonly string[] {
  const found = master.events.filter((one) => one.event === event);
  return found.map(({ fields }) => String(fields.path).slice(master.directory.length + 1));
}

function exists(master: RunningMaster, name: string): boolean {
  return [...Deno.readDirSync(master.directory)].some((entry) => entry.name === name);
}

/** All that comes on a connection to which nothing is sent. */
async function readUnix(path: string): Promise<string> {
  using connection = await Deno.connect({ transport: "unix", path });
  return await new Response(connection.readable).text();
}

/** The answer of the control socket. */
async function askStatus(path: string): Promise<string> {
  using connection = await Deno.connect({ transport: "unix", path });
  await connection.write(new TextEncoder().encode('{"command":"status"}\n'));
  const bytes = new Uint8Array(65_536);
  return new TextDecoder().decode(bytes.subarray(0, await connection.read(bytes) ?? 0));
}

const NAMES = ["app.sock", "stats.sock", "metrics.sock", "control.sock", "fifo"];

const RELOADS: Readonly<Record<string, (master: RunningMaster) => void>> = {
  "a chain reload": (master) => master.touch("reload"),
  SIGHUP: (master) => master.signal("SIGHUP"),
  "the next program of the master": (master) => {
    master.writeIni(`${INI}\n${WAYS_IN}\nhttp-socket = 127.0.0.1:0`);
    master.signal("SIGHUP");
  },
};

for (const [what, ask] of Object.entries(RELOADS)) {
  Deno.test(`what was removed is there again after ${what}`, async () => {
    const { master } = await readyMaster({ ini: `${INI}\n${WAYS_IN}`, files: APP });
    await using running = master;
    const slow = getUnix(running.path("app.sock"), "/slow");
    await running.until(() => running.stdout.includes("slow request began"), "request at work");
    for (const name of NAMES) Deno.removeSync(running.path(name));
    assertEquals((await running.reload(() => ask(running))).outcome, "done");
    assertStringIncludes(await getUnix(running.path("app.sock")), "answer of ");
    assertEquals((Deno.statSync(running.path("app.sock")).mode ?? 0) & 0o777, 0o640);
    assert(said(running, "socketBoundAgain").includes("app.sock"));
    const status = () => askStatus(running.path("control.sock")).catch(() => "");
    await running.until(async () => (await status()).includes("generation"), "control socket");
    await running.until(
      () => readUnix(running.path("stats.sock")).then(Boolean, () => false),
      "stats",
    );
    assertStringIncludes(await getUnix(running.path("metrics.sock"), "/healthz"), "ok");
    assert(Deno.statSync(running.path("fifo")).isFifo);
    assertEquals(said(running, "socketLost"), []);
    running.touch("go");
    assertStringIncludes(await slow, "slow and well");
    assertEquals(await running.stop(), 0);
    assertEquals(NAMES.filter((name) => exists(running, name)), []);
  });
}

Deno.test("what somebody else has put in the place of a socket is left alone", async () => {
  const { master } = await readyMaster({ ini: INI, files: APP });
  await using running = master;
  const path = running.path("app.sock");
  Deno.removeSync(path);
  using foreign = Deno.listen({ transport: "unix", path });
  assertEquals((await running.reload()).outcome, "done");
  assertEquals([said(running, "socketLost"), said(running, "socketBoundAgain")], [
    ["app.sock"],
    [],
  ]);
  const [accepted, client] = await Promise.all([
    foreign.accept(),
    Deno.connect({ transport: "unix", path }),
  ]);
  accepted.close();
  client.close();
  assertEquals(await running.stop(), 0);
  assert(exists(running, "app.sock"));
});

Deno.test("a reload that fails leaves the socket as it was, and the next one binds it again", async () => {
  for (const rollback of [false, true]) {
    const { master } = await readyMaster({
      ini: `${INI}\nchain-reload-rollback = ${rollback}`,
      files: APP,
    });
    await using running = master;
    Deno.removeSync(running.path("app.sock"));
    running.write({ "app.ts": "throw new Error('broken');" });
    assertEquals((await running.reload()).outcome, "rolled-back");
    await running.until(() => !exists(running, "app.sock"), "missing socket");
    running.write(APP);
    assertEquals((await running.reload()).outcome, "done");
    assertStringIncludes(await getUnix(running.path("app.sock")), "answer of ");
    assertEquals(await running.stop(), 0);
  }
});

Deno.test("a directory that is gone is one line, and no end", async () => {
  const { master } = await readyMaster({
    ini: INI.replace("%DIR%/app.sock", "%DIR%/run/app.sock"),
    files: { ...APP, "run/keep": "" },
  });
  await using running = master;
  Deno.removeSync(running.path("run"), { recursive: true });
  assertEquals((await running.reload()).outcome, "done");
  assertEquals(said(running, "socketLost"), ["run/app.sock"]);
  Deno.mkdirSync(running.path("run"));
  assertEquals((await running.reload()).outcome, "done");
  assertStringIncludes(await getUnix(running.path("run/app.sock")), "answer of ");
  assertEquals(await running.stop(), 0);
});

Deno.test("an instance that sleeps is woken at the socket that was bound again", async () => {
  const { master } = await readyMaster({ ini: `${INI}\ncheap = true`, files: APP });
  await using running = master;
  Deno.removeSync(running.path("app.sock"));
  const { outcome } = await running.reload(() => running.signal("SIGHUP"));
  assertEquals([outcome, running.count("accepting")], ["done", 0]);
  assertStringIncludes(await getUnix(running.path("app.sock")), "answer of ");
  assertEquals(await running.stop(), 0);
});
