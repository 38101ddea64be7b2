/** Sandboxed workers behind Landlock: what the kernel refuses them, and what it must not refuse. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { fromFileUrl } from "@std/path/posix";
import { Confinement, whyNoLandlock } from "../../lib/master/workers/landlock/confinement.ts";
import type { Granted } from "../../lib/master/workers/landlock/rules.ts";
import { requireLibc } from "../../lib/system/libc.ts";
import { getText, getUnix } from "../helpers/http.ts";
import { PROJECT_LAYOUTS, type ProjectLayout, writeProject } from "../helpers/project_layouts.ts";
import { duwsgi, MAIN } from "../helpers/program.ts";
import {
  type MasterOptions,
  readyMaster,
  type RunningMaster,
  startMaster,
} from "../helpers/running_master.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";

// Opened before the tests: it stays open.
const c = requireLibc();
const ignore = whyNoLandlock(c) !== "";

const PROBE = fromFileUrl(new URL("../fixtures/scripts/landlock_probe.ts", import.meta.url));
/** An instance on a kernel without Landlock. */
const WITHOUT_LANDLOCK = [
  Deno.execPath(),
  "run",
  "-A",
  "--quiet",
  fromFileUrl(new URL("../fixtures/scripts/without_landlock.ts", import.meta.url)),
];
/** How long something may take that should happen (30 s). */
const PATIENCE_MS = 30_000;
const NOTHING: Granted = {
  net: [],
  read: [],
  write: [],
  env: [],
  run: [],
  sys: [],
  ffi: [],
  import: [],
};

Deno.test("a process behind Landlock alone reaches what is allowed, and nothing else", {
  ignore,
}, async () => {
  using directory = new TempDirectory();
  const at = (path: string) => directory.at(path);
  directory.write("app/app.ts", "");
  directory.write("data/text", "allowed");
  directory.write("config/replaced", "old");
  directory.write("secret/text", "secret");
  directory.write("out/below/text", "");
  directory.write("cache/text", "");
  directory.write("master/import_map.json", `{"imports":{}}`);
  using allowed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = allowed.addr.port;
  const confinement = new Confinement(c, () => at("master"), null);
  const env = { DENO_DIR: at("cache"), NO_COLOR: "1" };
  const { spawner } = await confinement.prepare("1", {
    granted: {
      ...NOTHING,
      read: [at("data"), at("config/replaced"), at("config/late")],
      write: [at("out")],
      net: [`127.0.0.1:${port}`],
    },
    script: at("app/app.ts"),
    preloads: [PROBE],
    importMap: at("master/import_map.json"),
    projects: [],
    configFiles: [],
    denoFlags: [],
    importFlags: [],
    env,
    opensLog: false,
  }, true);
  // After the rules were made.
  directory.write("config/new", "replaced");
  Deno.renameSync(at("config/new"), at("config/replaced"));
  directory.write("config/late", "late");
  const places = {
    data: at("data"),
    out: at("out"),
    secret: at("secret/text"),
    replaced: at("config/replaced"),
    late: at("config/late"),
    port: String(port),
    other: String(other.addr.port),
    master: String(Deno.pid),
  };
  if (spawner === null) throw new Error("nothing is restricted");
  const child = spawner.spawn({
    program: Deno.execPath(),
    args: ["run", "-A", "--no-lock", "--no-config", PROBE, JSON.stringify(places)],
    env,
    stdout: true,
    cpus: null,
  });
  const [said, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  assertEquals((await child.status).code, 0, errors);
  const denied = "PermissionDenied";
  assertEquals(JSON.parse(said), {
    data: "allowed",
    replaced: "replaced",
    late: "late",
    secret: denied,
    shadow: denied,
    root: denied,
    memory: denied,
    ownEnvironment: true,
    writeOut: "undefined",
    moveOut: "undefined",
    writeData: denied,
    writeCache: denied,
    link: denied,
    run: denied,
    signal: denied,
    connect: "connected",
    connectOther: denied,
    listenAny: "undefined",
    listenOther: denied,
  });
  // What cannot be started is an error of that start alone.
  const options = { args: [], env, stdout: false, cpus: null };
  for (const program of [at("nothing"), "/bin/sh"]) {
    assertThrows(() => spawner.spawn({ ...options, program }), Error, "spawn");
  }
  const { status } = spawner.spawn({ ...options, program: Deno.execPath(), args: ["--version"] });
  assertEquals((await status).code, 0);
  // This process is not behind it, nor is what it starts otherwise.
  assertEquals(Deno.readTextFileSync(at("secret/text")), "secret");
  assertMatch(Deno.readTextFileSync("/proc/self/status"), /NoNewPrivs:\s+0/);
  confinement.close();
});

/** Answers with its release and a file, and at /long with a line each second, without an end. */
const APP = `import uwsgi from "uwsgi";
import { release } from "./release.ts";
uwsgi.serve((request) => {
  const { pathname, search } = new URL(request.url);
  if (pathname !== "/long") {
    try {
      return new Response(release + " " + Deno.readTextFileSync(search.slice(1)));
    } catch (error) {
      return new Response(release + " " + error.name);
    }
  }
  let timer;
  return new Response(new ReadableStream({
    start: (lines) => {
      timer = setInterval(() => lines.enqueue(new TextEncoder().encode(Deno.pid + "\\n")), 1000);
    },
    cancel: () => clearInterval(timer),
  }));
});`;

const RELEASE = (name: string) => `export const release: string = "${name}";`;

/** The alarm that a worker gets with the end of its thread ends it after at most this many seconds. */
const LONGEST_ALARM_S = 64;

/** Reads a response without an end, and says from which process each line is. */
async function longResponse(address: string) {
  const { body } = await fetch(`http://${address}/long`);
  if (body === null) throw new Error("there is no body");
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  const line = async () => {
    const { value, done } = await reader.read();
    if (done) throw new Error("the worker has ended");
    return value.trim();
  };
  return { line, end: () => reader.cancel() };
}

/** How many threads of a master start workers. */
function spawningThreads(pid: number): number {
  const tasks = [...Deno.readDirSync(`/proc/${pid}/task`)];
  return tasks.filter(({ name }) => {
    try {
      return /^worker-\d+\n$/.test(Deno.readTextFileSync(`/proc/${pid}/task/${name}/comm`));
    } catch {
      // It has ended meanwhile.
      return false;
    }
  }).length;
}

/** Does something to an instance whose worker is at work, and goes on with it for longer than the alarm. */
async function outlives(
  options: MasterOptions,
  act: (running: RunningMaster, address: string) => Promise<void>,
): Promise<void> {
  const { master, addresses: [address = ""] } = await readyMaster(options);
  await using running = master;
  const old = await longResponse(address);
  const pid = await old.line();
  await act(running, address);
  for (let seconds = 0; seconds < LONGEST_ALARM_S + 6; seconds++) {
    assertEquals(await old.line(), pid);
  }
  await old.end();
  await running.until(() => !running.processes().includes(Number(pid)), "end of the worker");
  await running.until(() => spawningThreads(running.pid) === 1, "end of its thread");
}

Deno.test("workers outlive an exec, other allow-lists and a moved link, however old they become", {
  ignore,
}, async () => {
  using releases = new TempDirectory();
  for (const name of ["first", "second"]) {
    releases.write(`${name}/app.ts`, APP);
    releases.write(`${name}/release.ts`, RELEASE(name));
  }
  const link = releases.at("current");
  Deno.symlinkSync("first", link);
  const ini = (more: string, script = "app/app.ts") =>
    `http-socket = 127.0.0.1:0
chain-reload-verify = 0
worker-reload-mercy = 120
deno-worker-override = ${script}
${more}`;
  const files = {
    "app/app.ts": APP,
    "app/release.ts": RELEASE("only"),
    "data/one": "one",
    "more/two": "two",
  };
  const answers = async (running: RunningMaster, address: string, one: string, two: string) => {
    const answer = (file: string) => getText(`http://${address}/?${file}`);
    // The worker that leaves may still accept while it is being told.
    await running.eventually(
      async () => await answer("data/one") === one && await answer("more/two") === two,
      `answers "${one}" and "${two}"`,
    );
  };
  // Most of the time they wait, so they do it together.
  await Promise.all([
    outlives(
      { ini: ini("umask = 022\nallow-read = data"), files },
      async (running, address) => {
        running.writeIni(ini("umask = 027\nallow-read = data"));
        assertEquals((await running.reload(() => running.signal("SIGHUP"))).outcome, "done");
        assert(running.events.some(({ message }) => message.includes("program was replaced")));
        await answers(running, address, "only one", "only NotCapable");
      },
    ),
    outlives({ ini: ini("allow-read = data"), files }, async (running, address) => {
      await answers(running, address, "only one", "only NotCapable");
      running.writeIni(ini("allow-read = more"));
      assertEquals((await running.reload(() => running.signal("SIGHUP"))).outcome, "done");
      await answers(running, address, "only NotCapable", "only two");
      assertEquals(spawningThreads(running.pid), 2);
    }),
    outlives(
      { ini: ini("allow-read = data\ntouch-chain-reload = reload", `${link}/app.ts`), files },
      async (running, address) => {
        await answers(running, address, "first one", "first NotCapable");
        Deno.symlinkSync("second", `${link}.new`);
        Deno.renameSync(`${link}.new`, link);
        assertEquals((await running.reload()).outcome, "done");
        await answers(running, address, "second one", "second NotCapable");
      },
    ),
  ]);
});

/** Several projects start at a time. */
const AT_A_TIME = 4;

Deno.test("projects of all layouts run in a sandbox as they do without", async (test) => {
  using directory = new TempDirectory();
  const runs = async (layout: ProjectLayout, number: number) => {
    const { script = "app/main.ts", ini = "allow-net = false" } = layout;
    const top = directory.at(`layout_${number}`);
    writeProject(layout, top);
    const { master, addresses: [address = ""] } = await readyMaster({
      ini: `http-socket = 127.0.0.1:0
deno-worker-override = ${top}/${script}
${ini.replaceAll("%TOP%", top)}`,
    });
    await using running = master;
    assertEquals(await getText(`http://${address}/`), "fine", layout.name);
    assertEquals(running.count("wallMissing"), ignore ? 1 : 0, layout.name);
    const notes = running.events.filter(({ message }) => message.startsWith("Landlock refuses"));
    assertEquals(notes, [], layout.name);
  };
  for (let first = 0; first < PROJECT_LAYOUTS.length; first += AT_A_TIME) {
    const some = PROJECT_LAYOUTS.slice(first, first + AT_A_TIME);
    await test.step(some.map(({ name }) => name).join(", "), async () => {
      await Promise.all(some.map((layout, i) => runs(layout, first + i)));
    });
  }
});

Deno.test("a sandboxed worker reads no text from outside of its folders, and one line says so", {
  ignore,
}, async () => {
  await using master = startMaster({
    ini: `http-socket = 127.0.0.1:0
allow-net = false
deno-flag = --unstable-raw-imports
deno-worker-override = app/app.ts`,
    files: {
      "secret/key.txt": "treasure",
      "app/app.ts": `import uwsgi from "uwsgi";
import key from "../secret/key.txt" with { type: "text" };
uwsgi.serve(() => new Response(key));`,
    },
  });
  // No worker has started.
  assertEquals(await master.exitCode(), 4);
  const text = [...master.events.map(({ message }) => message), ...master.output].join("\n");
  assertMatch(text, /Landlock refuses the import of .*\/secret\/key\.txt: it is no module/);
  assertMatch(text, /Permission denied/);
  assert(!text.includes("treasure"));
});

Deno.test("a worker that could not start for what was not there starts when it is there", {
  ignore,
}, async () => {
  const { master, addresses: [address = ""] } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
allow-net = false
deno-worker-override = app/app.ts`,
    files: { "app/app.ts": APP, "app/release.ts": RELEASE("old") },
  });
  await using running = master;
  assertEquals(await getText(`http://${address}/?app.ini`), "old NotCapable");
  const from = running.events.length;
  // From a folder that is not among the rules of the generation.
  running.write({
    "shared/release.ts": RELEASE("new"),
    "app/release.ts": `export * from "../shared/release.ts";`,
  });
  Deno.kill(running.acceptingPids().get(1) ?? 0, "SIGKILL");
  await running.waitFor("accepting", () => true, from);
  assertEquals(await getText(`http://${address}/?app.ini`), "new NotCapable");
});

Deno.test("sandboxed workers go on with a log file that was rotated", { ignore }, async () => {
  using directory = new TempDirectory();
  const [log = "", reopen = "", socket = ""] = ["log/app.log", "reopen", "app.sock"].map((name) =>
    directory.at(name)
  );
  directory.write("log/app.log");
  directory.write("reopen");
  directory.write(
    "app/app.ts",
    `import uwsgi from "uwsgi";
uwsgi.serve(({ url }) => (console.log(new URL(url).search), new Response("")));`,
  );
  // Plain lines, which workers write to the file themselves.
  const ini = directory.write(
    "app.ini",
    `[uwsgi]
http-socket = ${socket}
allow-net = false
logto = ${log}
touch-logreopen = ${reopen}
deno-worker-override = app/app.ts`,
  );
  const master = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, "--ini", ini],
    cwd: directory.path,
    env: { TMPDIR: directory.path },
    stdout: "null",
    stderr: "null",
  }).spawn();
  const contains = async (text: string) => {
    const deadline = performance.now() + PATIENCE_MS;
    while (!Deno.readTextFileSync(log).includes(text)) {
      assert(performance.now() < deadline, `no "${text}" in the log`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  try {
    await contains("The worker accepts");
    await getUnix(socket, "/?before");
    await contains("?before");
    Deno.renameSync(log, `${log}.1`);
    Deno.writeTextFileSync(log, "");
    Deno.writeTextFileSync(reopen, "now");
    await contains("opened again");
    const deadline = performance.now() + PATIENCE_MS;
    while (!Deno.readTextFileSync(log).includes("?after")) {
      assert(performance.now() < deadline, "the worker stays with the old log");
      await getUnix(socket, "/?after");
    }
  } finally {
    master.kill("SIGTERM");
    await master.status;
  }
});

/** Runs `ctl` for a master. */
async function ctl(running: RunningMaster, command: string): Promise<string> {
  const { code, stdout, stderr } = await duwsgi(["ctl", command, "--pid", String(running.pid)]);
  assertEquals(code, 0, stderr);
  return stdout;
}

Deno.test("ctl status says whether Landlock holds, and why not", { ignore }, async () => {
  const ini = (more: string) =>
    `http-socket = 127.0.0.1:0
chain-reload-verify = 0
${more}
deno-worker-override = app/app.ts`;
  const { master } = await readyMaster({
    ini: ini("allow-net = false"),
    files: { "app/app.ts": APP, "app/release.ts": RELEASE("only") },
  });
  await using running = master;
  const status = async () =>
    (await ctl(running, "status")).split("\n").find((line) => line.startsWith("Walls")) ?? "";
  assertMatch(await status(), /^Walls .*landlock$/);
  const reloaded = async (more: string) => {
    running.writeIni(ini(more));
    assertEquals((await running.reload(() => running.signal("SIGHUP"))).outcome, "done");
    return await status();
  };
  assertMatch(await reloaded("allow-run = true"), /\(.*landlock: allow-run gives all/);
  assertMatch(
    await reloaded("allow-net = false\nsandbox-walls = none"),
    /\(.*landlock: not asked for/,
  );
  assertEquals(await reloaded("processes = 1"), "");
});

Deno.test("where the kernel has no Landlock a line says so, or nothing starts", async (test) => {
  const files = { "app.ts": APP, "release.ts": RELEASE("only") };
  const ini = (walls: string) =>
    `http-socket = 127.0.0.1:0
allow-net = false
sandbox-walls = ${walls}
deno-worker-override = app.ts`;
  await test.step("a line", async () => {
    const { master, addresses: [address = ""] } = await readyMaster({
      ini: ini("landlock"),
      files,
      launcher: WITHOUT_LANDLOCK,
    });
    await using running = master;
    assertEquals(await getText(`http://${address}/?app.ini`), "only NotCapable");
    const { message } = running.events.find(({ event }) => event === "wallMissing") ?? {};
    assertMatch(message ?? "", /^Landlock does not restrict workers: the kernel has no Landlock/);
    assertEquals(running.count("wallMissing"), 1);
  });
  await test.step("nothing", async () => {
    await using master = startMaster({
      ini: ini("landlock,required"),
      files,
      launcher: WITHOUT_LANDLOCK,
    });
    assertEquals(await master.exitCode(), 2);
    assertMatch(master.output.join("\n"), /sandbox-walls requires landlock, which cannot be had/);
  });
});

Deno.test("a worker that is started after a link has moved may read where it leads now", {
  ignore,
}, async () => {
  using releases = new TempDirectory();
  for (const name of ["first", "second"]) releases.write(`${name}/data`, name);
  const link = releases.at("current");
  Deno.symlinkSync("first", link);
  const { master, addresses: [address = ""] } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
allow-read = ${link}
deno-worker-override = app.ts`,
    files: { "app.ts": APP, "release.ts": RELEASE("the") },
  });
  await using running = master;
  assertEquals(await getText(`http://${address}/?${link}/data`), "the first");
  Deno.symlinkSync("second", `${link}.new`);
  Deno.renameSync(`${link}.new`, link);
  const from = running.events.length;
  Deno.kill(running.acceptingPids().get(1) ?? 0, "SIGKILL");
  await running.waitFor("accepting", () => true, from);
  assertEquals(await getText(`http://${address}/?${link}/data`), "the second");
});

Deno.test("mules are behind Landlock as well, and the master is not", { ignore }, async () => {
  const { master } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
allow-net = false
sandbox-walls = landlock
mule = mule.ts
deno-worker-override = app.ts`,
    files: {
      "app.ts": APP,
      "release.ts": RELEASE("the"),
      "mule.ts": `import uwsgi from "uwsgi"; await uwsgi.mule_msg_get();`,
    },
  });
  await using running = master;
  const { pid } = await running.waitFor("companionStarted");
  const restricted = (pid: unknown) =>
    /NoNewPrivs:\s+1/.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  assertEquals([restricted(pid), restricted(running.pid)], [true, false]);
});
