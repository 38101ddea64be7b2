/** Workers that may do only what the configuration says. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path/posix";
import { getJson, getText, getUnix } from "../helpers/http.ts";
import { loseNothing, targetAt } from "../helpers/reload_load.ts";
import { MAIN } from "../helpers/program.ts";
import { readyMaster, startMaster } from "../helpers/running_master.ts";

const PRISONER = fromFileUrl(new URL("../fixtures/workers/prisoner.js", import.meta.url));
const LOSS_HANDLER = new URL("../fixtures/apps/loss_handler.ts", import.meta.url).href;

/** What is tried with modules of duwsgi needs those that the worker has loaded: bundle_test.ts has its own. */
const fromSources = MAIN.endsWith(".ts");

Deno.test("a worker without permissions cannot get out", { ignore: !fromSources }, async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
socket = %DIR%/app.sock
processes = 2
allow-net = false
log-requests = true
memory-report = true
metric = visits
deno-worker-override = ${PRISONER}
worker-argv = %DIR%/secret.txt
worker-argv = %DIR%/app.sock`,
    files: { "secret.txt": "treasure" },
  });
  await using running = master;
  const outcomes = await getJson<Readonly<Record<string, string>>>(`http://${addresses[0]}/`);
  for (const [what, outcome] of Object.entries(outcomes)) {
    assertMatch(outcome, /^(NotCapable|[A-Za-z]*Error): /, what);
  }
  assert(Object.keys(outcomes).length > 50);
  assertEquals(running.read("secret.txt"), "treasure");
  assertEquals(running.output.filter((line) => line.includes("\0")), []);
  // What waits for sockets of the instance listens nowhere itself.
  const own = new Set(addresses.map((address) => address.split(":").at(-1)));
  for (const pid of running.acceptingPids().values()) {
    assertEquals(listeningPorts(pid).filter((port) => !own.has(port)), []);
  }
  // It still works as it should.
  assertStringIncludes(await getUnix(running.path("app.sock")), "NotCapable");
  await running.until(
    () => running.output.some((line) => / rss /i.test(line) || line.includes("GET /")),
    "request log",
  );
});

/** The TCP ports that a process listens on. */
function listeningPorts(pid: number): string[] {
  const links = [...Deno.readDirSync(`/proc/${pid}/fd`)].flatMap(({ name }) => {
    try {
      return [Deno.readLinkSync(`/proc/${pid}/fd/${name}`)];
    } catch {
      // It has been closed meanwhile.
      return [];
    }
  });
  const lines = Deno.readTextFileSync("/proc/net/tcp").trim().split("\n").slice(1);
  return lines.map((line) => line.trim().split(/\s+/)).flatMap(
    ([, local = "", , state, , , , , , inode]) =>
      state === "0A" && links.includes(`socket:[${inode}]`)
        ? [String(Number.parseInt(local.split(":")[1] ?? "", 16))]
        : [],
  );
}

Deno.test("workers without permissions lose nothing in reloads, and leave nothing behind", async () => {
  const app = (first: string) =>
    `import uwsgi from "uwsgi";
import { lossHandler } from "${LOSS_HANDLER}";
${first}
uwsgi.serve(lossHandler({ pid: Deno.pid, worker: uwsgi.worker_id() }));`;
  const ini = (mask: string) =>
    `http-socket = 127.0.0.1:0
socket = %DIR%/app.sock
processes = 2
deny-net = true
umask = ${mask}
worker-reload-mercy = 20
chain-reload-verify = 0
touch-chain-reload = reload
deno-worker-override = app.ts`;
  const { master, addresses } = await readyMaster({
    ini: ini("022"),
    files: { "app.ts": app("") },
  });
  await using running = master;
  const mix = { "close": 2, "keep-alive": 2, "idle": 1, "post": 1, "pipelined": 1, "websocket": 1 };
  const end = new AbortController();
  const load = loseNothing(addresses.map(targetAt), mix, end.signal);
  const outcomeOf = async (ask?: () => void) => (await running.reload(ask)).outcome;
  assertEquals(await outcomeOf(), "done");
  // The worker that was replaced already is called back.
  running.write({ "app.ts": app(`if (uwsgi.worker_id() === 2) throw new Error("broken");`) });
  assertEquals(await outcomeOf(), "rolled-back");
  running.write({ "app.ts": app("") });
  // Another program of the master: the workers of the old one call it.
  running.writeIni(ini("027"));
  assertEquals(await outcomeOf(() => running.signal("SIGHUP")), "done");
  assertEquals(await outcomeOf(), "done");
  end.abort();
  await load;
  const from = running.events.length;
  Deno.kill(running.acceptingPids().get(2) ?? 0, "SIGKILL");
  for (let i = 0; i < 20; i++) await getText(`http://${addresses[0]}/`);
  await running.waitFor("accepting", (fields) => fields.worker === 2, from);
  assertEquals(running.events.filter(({ event }) => event === "killing"), []);
  running.signal("SIGKILL");
  await running.eventually(() => running.processes().length === 0, "end of the workers");
});

Deno.test("workers and mules have exactly the permissions that are listed, and may be refused control", async () => {
  const tell = `
const state = (descriptor) => Deno.permissions.querySync(descriptor).state;
const told = () => [
  state({ name: "read", path: "data" }), state({ name: "read", path: "." }),
  state({ name: "net", host: "db:5432" }), state({ name: "net", host: "127.0.0.1:0" }),
  state({ name: "env", variable: "HOME" }), state({ name: "env", variable: "DUWSGI_WORKER" }),
  state({ name: "ffi" }), state({ name: "run" }), state({ name: "sys" }),
].join(" ");`;
  const script = (text: string) => `import uwsgi from "uwsgi";${tell}${text}`;
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
permission-set = web
allow-net = db:5432
worker-control = false
mule = mule.ts
deno-worker-override = app.ts`,
    files: {
      "deno.json": `{ // Comments are no reason not to start.
        "permissions": { "web": { "net": true, "read": ["./data"], "env": ["HOME"] } } }`,
      "data/text.txt": "allowed",
      "app.ts": script(`
uwsgi.serve(async () => {
  uwsgi.reload();
  uwsgi.mule_msg("tell");
  return new Response(told() + " " + await Deno.readTextFile("data/text.txt"));
});`),
      "mule.ts": script(`
await uwsgi.mule_msg_get();
uwsgi.log("mule: " + told());`),
    },
  });
  await using running = master;
  const states = "granted prompt granted prompt granted prompt prompt prompt prompt";
  assertEquals(await getText(`http://${addresses[0]}/`), `${states} allowed`);
  const { who, wish } = await running.waitFor("controlRefused");
  assertEquals([who, wish], ["worker 1", "reload"]);
  await running.until(() => running.output.includes(`mule: ${states}`), "what the mule says");
});

Deno.test("what cannot be a sandbox does not start, and one line says why", async () => {
  await using master = startMaster({
    ini: `http-socket = 127.0.0.1:0
allow-net = false
deno-flag = --allow-read
deno-worker-override = app.ts`,
    files: { "app.ts": "" },
  });
  assertEquals(await master.exitCode(), 2);
  assertStringIncludes(master.output.join("\n"), "say all permissions in one of the two ways");
});
