import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { getJson, getText, getUnix, type Identity } from "../helpers/http.ts";
import { readyMaster, startMaster } from "../helpers/running_master.ts";

const HELLO = { "app.ts": { fixture: "workers/hello.ts" } };

Deno.test("master serves both sockets from all workers, and stops in order", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
socket = %DIR%/app.sock
processes = 4
vacuum = true
deno-worker-override = app.ts`,
    files: HELLO,
  });
  await using running = master;
  const [tcp = "", unix = ""] = addresses;
  assertEquals(unix, running.path("app.sock"));
  const overTcp = new Set<number>();
  while (overTcp.size < 4) overTcp.add((await getJson<Identity>(`http://${tcp}/`)).worker);
  const overUnix = new Set<string>();
  while (overUnix.size < 2) overUnix.add(/"worker":(\d)/.exec(await getUnix(unix))?.[1] ?? "");
  assertEquals(await running.stop(), 0);
  assertEquals([...Deno.readDirSync(running.directory)].some((e) => e.name === "app.sock"), false);
});

Deno.test("a script is the main module with its own imports, arguments and environment", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
chdir = %DIR%
env = GREETING=hello world
worker-argv = --first
worker-argv = second argument
deno-flag = --allow-all
deno-worker-override = app.ts`,
    files: {
      "deno.json": `{ // with a comment\n "imports": { "@/": "./" }, }`,
      "lib.ts": "export const own: string = 'imported';",
      "app.ts": `import { own } from "@/lib.ts";
import uwsgi, { worker_id } from "uwsgi";
uwsgi.serve(() => Response.json({
  own, main: import.meta.main, args: Deno.args, greeting: Deno.env.get("GREETING"),
  id: worker_id(), leaked: Deno.env.get("DUWSGI_WORKER") ?? null, cwd: Deno.cwd(),
}));`,
    },
  });
  await using running = master;
  assertEquals(await getJson(`http://${addresses[0]}/`), {
    own: "imported",
    main: true,
    args: ["--first", "second argument"],
    greeting: "hello world",
    id: 1,
    leaked: null,
    cwd: Deno.realPathSync(running.directory),
  });
});

Deno.test("a worker that never accepts is a failed start, and with none the master gives up", async () => {
  const scripts = {
    "syntax.ts": ["const = 1;", /SyntaxError.*syntax\.ts:1:7/],
    "import.ts": [`import "./missing.ts";`, /Module not found.*missing\.ts/],
    "bare.ts": [`import x from "nowhere"; x();`, /nowhere.*bare\.ts:1:15/],
    "throw.ts": [`throw new RangeError("no luck");`, /RangeError: no luck.*throw\.ts:1/],
    "exit.ts": [`console.log("done");`, /exited with code 0/],
    "exit3.ts": [`Deno.exit(3);`, /exited with code 3/],
    "hang.ts": [`while (true);`, /did not accept within/],
  } as const;
  for (const [name, [text, expected]] of Object.entries(scripts)) {
    // Long enough for a mistake to be found, however slow the machine is; of a hang, only its end is.
    const timeout = name === "hang.ts" ? 1.5 : 60;
    await using running = startMaster({
      ini: `http-socket = 127.0.0.1:0
processes = 2
start-timeout = ${timeout}
deno-worker-override = ${name}`,
      files: { [name]: text },
    });
    assertEquals(await running.exitCode(), 4, name);
    const failures = running.events.filter(({ event }) => event === "startFailed");
    assertEquals(failures.length, 2, `${name}: no worker is tried twice`);
    for (const { message } of failures) assertMatch(message, expected);
    const last = running.events.find(({ event }) => event === "noWorkerStarted");
    assertStringIncludes(last?.message ?? "", name);
  }
});

Deno.test("a script that takes its time is a slow start, not a failed one", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
deno-worker-override = app.ts`,
    files: {
      "app.ts": `import uwsgi from "uwsgi";
const { promise, resolve } = Promise.withResolvers<void>();
setTimeout(resolve, 700);
await promise;
uwsgi.serve(() => new Response("late"));`,
    },
  });
  await using _running = master;
  assertEquals(await getText(`http://${addresses[0]}/`), "late");
});

Deno.test("a missing script is one line and exit code 2", async () => {
  await using running = startMaster({
    ini: "http-socket = 127.0.0.1:0\ndeno-worker-override = nowhere.ts",
  });
  assertEquals(await running.exitCode(), 2);
  assertEquals(running.output.length, 1);
  assertStringIncludes(running.output[0] ?? "", `"nowhere.ts"`);
});

Deno.test("stdin, a section and the command line configure together, in order", async () => {
  await using running = startMaster({
    ini: `ini = %DIR%/more.ini:web
deno-worker-override = app.ts`,
    files: { ...HELLO, "more.ini": "[web]\nhttp-socket = 127.0.0.1:0\nprocesses = 3\n" },
    args: ["--processes", "2", "--socket=127.0.0.1:0"],
  });
  assertEquals((await running.ready()).length, 2);
  const { workers } = await running.waitFor("ready");
  assertEquals(workers, 2);
});

Deno.test("a master that was stopped does not hold it against workers that are starting", async () => {
  await using running = startMaster({
    ini: `http-socket = 127.0.0.1:0
processes = 3
start-timeout = 3
touch-chain-reload = reload
deno-worker-override = app.ts`,
    files: {
      "app.ts": `import uwsgi from "uwsgi";
const name = "go-" + uwsgi.worker_id();
console.error("started " + name);
while (!await Deno.stat(name).then(() => true, () => false)) {
  await new Promise((done) => setTimeout(done, 10));
}
uwsgi.serve(() => new Response("ok"));`,
    },
  });
  const started = () => running.output.filter((line) => line.startsWith("started")).length;
  await running.until(() => started() === 3, "three starting workers");
  running.signal("SIGSTOP");
  try {
    // There is other news as soon as the master goes on.
    running.write({ "go-1": "", "go-2": "", "reload": "" });
    await new Promise((resolve) => setTimeout(resolve, 6_000));
  } finally {
    running.signal("SIGCONT");
  }
  running.write({ "go-3": "" });
  await running.ready();
  assertEquals(running.events.filter(({ event }) => event === "startFailed"), []);
});

Deno.test("an unchanged app starts with flags that give no permission, and with grouped letters", async () => {
  for (const flag of ["--allow-scripts=npm:sqlite3", "-RN", "-RNE", "-NR=/etc"]) {
    const { master, addresses } = await readyMaster({
      ini:
        `http-socket = 127.0.0.1:0\nprocesses = 2\ndeno-worker-override = app.ts\ndeno-flag = ${flag}`,
      files: { "app.ts": "Deno.serve(() => new Response('served'));" },
    });
    await using running = master;
    assertEquals(await getText(`http://${addresses[0]}/`), "served", flag);
    running.signal("SIGUSR2");
    const { outcome } = await running.waitFor("reloadFinished");
    assertEquals(outcome, "done", flag);
  }
});
