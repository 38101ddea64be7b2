/** Releases behind a symbolic link: `current` leads to `releases/1`, then to `releases/2`. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { type MasterOptions, readyMaster, type RunningMaster } from "../helpers/running_master.ts";

/** Says which release its code, its working directory and its own path belong to. */
function app(release: number): string {
  return `const place = (path) => /releases\\/(\\d)/.exec(path)?.[1] ?? path;
Deno.serve(() => new Response([
  ${release},
  place(Deno.cwd()),
  place(Deno.readTextFileSync("data.txt")),
  place(Deno.realPathSync(new URL(".", import.meta.url))),
].join(" ")));`;
}

function release(number: number): Record<string, string> {
  const folder = `releases/${number}`;
  return {
    [`${folder}/app.ts`]: app(number),
    [`${folder}/data.txt`]: `releases/${number}`,
  };
}

const RELEASES = { ...release(1), ...release(2) };

/** Has a link lead to somewhere else, as `ln -sfn` does. */
function flip(master: RunningMaster, link: string, name = "current"): void {
  master.write({ [name]: { link } });
}

/** The ways in which such an instance is configured: rows of one table of field reports. */
const LAYOUTS: Readonly<Record<string, Partial<MasterOptions> & { readonly ini: string }>> = {
  "chdir and a relative script": {
    ini: "chdir = %DIR%/current\ndeno-worker-override = app.ts",
  },
  "an INI in the release and chdir = %d": {
    ini: "ini = %DIR%/current/site.ini",
    files: Object.fromEntries([1, 2].map((number) => [
      `releases/${number}/site.ini`,
      "[uwsgi]\nchdir = %d\ndeno-worker-override = app.ts\n",
    ])),
  },
  "chdir and a script through the link": {
    ini: "chdir = %DIR%/current\ndeno-worker-override = %DIR%/current/app.ts",
  },
  "a relative script through the link": {
    ini: "chdir = %DIR%\ndeno-worker-override = current/app.ts",
    files: { "data.txt": "no release" },
  },
  "sandboxed workers, and what they may read is named through the link": {
    ini: "chdir = %DIR%/current\ndeno-worker-override = %DIR%/current/app.ts\n" +
      "allow-read = %DIR%/current\nallow-read = .",
  },
};

async function running(
  layout: Partial<MasterOptions> & { readonly ini: string },
  more = "",
): Promise<{ readonly master: RunningMaster; readonly url: string }> {
  const { master, addresses } = await readyMaster({
    ...layout,
    ini:
      `http-socket = 127.0.0.1:0\nprocesses = 2\nworker-reload-mercy = 5\n${layout.ini}\n${more}`,
    files: { ...RELEASES, current: { link: "releases/1" }, ...layout.files },
  });
  return { master, url: `http://${addresses[0]}/` };
}

/** Asks until both workers have answered, and returns what they said, without repetition. */
async function answers(url: string): Promise<string[]> {
  const said = new Set<string>();
  for (let i = 0; i < 12; i++) said.add(await getText(url));
  return [...said];
}

/** Waits for the end of a reload that is asked for after a flip. */
async function reload(master: RunningMaster, signal: Deno.Signal): Promise<unknown> {
  const from = master.events.length;
  master.signal(signal);
  await master.until(
    () => master.events.slice(from).some(({ event }) => event === "reloadFinished"),
    "end of the reload",
  );
  return master.events.slice(from).find(({ event }) => event === "reloadFinished")?.fields.outcome;
}

for (const [name, layout] of Object.entries(LAYOUTS)) {
  Deno.test(`a reload takes the release that the link leads to: ${name}`, async () => {
    const { master, url } = await running(layout);
    await using held = master;
    const all = (n: number) =>
      name.startsWith("a relative script")
        ? `${n} ${held.directory} no release ${n}`
        : `${n} ${n} ${n} ${n}`;
    assertEquals(await answers(url), [all(1)]);
    for (const [signal, to] of [["SIGUSR2", 2], ["SIGHUP", 1], ["SIGUSR2", 2]] as const) {
      flip(held, `releases/${to}`);
      assertEquals(await reload(held, signal), "done", signal);
      assertEquals(await answers(url), [all(to)], `${signal} ${to}`);
    }
    // Nothing runs there any more.
    Deno.removeSync(held.path("releases/1"), { recursive: true });
    for (const signal of ["SIGUSR2", "SIGHUP"] as const) {
      assertEquals(await reload(held, signal), "done", signal);
      assertEquals(await answers(url), [all(2)], signal);
    }
    const before = held.acceptingPids();
    for (const pid of before.values()) Deno.kill(pid, "SIGKILL");
    await successors(held, before);
    assertEquals(await answers(url), [all(2)], "after a crash");
  });
}

Deno.test("a worker that starts after the link was moved runs what its generation runs", async () => {
  const { master, url } = await running(LAYOUTS["chdir and a script through the link"] ?? never());
  await using held = master;
  flip(held, "releases/2");
  const before = held.acceptingPids();
  for (const pid of before.values()) Deno.kill(pid, "SIGKILL");
  await successors(held, before);
  assertEquals(await answers(url), ["1 1 1 1"]);
  assertEquals(await reload(held, "SIGHUP"), "done");
  assertEquals(await answers(url), ["2 2 2 2"]);
});

Deno.test("workers whose release was removed are a failed start, and a reload when none is left", async () => {
  const { master, url } = await running(LAYOUTS["chdir and a relative script"] ?? never());
  await using held = master;
  flip(held, "releases/2");
  Deno.removeSync(held.path("releases/1"), { recursive: true });
  const [one = 0, other = 0] = [...held.acceptingPids().values()];
  Deno.kill(one, "SIGKILL");
  const told = () => held.events.filter(({ message }) => message.includes("was removed: a reload"));
  await held.until(() => told().length > 0, "advice");
  assertStringIncludes(told()[0]?.message ?? "", held.path("current"));
  // Its sibling has all it needs in memory, but for the file that it reads.
  assertEquals(held.events.some(({ event }) => event === "release"), false);
  Deno.kill(other, "SIGKILL");
  await held.until(
    () =>
      held.events.some(({ event, fields }) =>
        event === "reloadFinished" && fields.outcome === "done"
      ),
    "reload of the master's own",
  );
  assertEquals(await answers(url), ["2 2 2 2"]);
});

Deno.test("ctl exec and a reload that replaces the program take the release that the link leads to", async () => {
  const { master, url } = await running(LAYOUTS["an INI in the release and chdir = %d"] ?? never());
  await using held = master;
  flip(held, "releases/2");
  // A socket for stats takes a new program.
  held.writeIni(held.read("app.ini").replace(/^\[uwsgi\]\n.*\n/, "") + "stats = 127.0.0.1:0");
  assertEquals(await reload(held, "SIGHUP"), "done");
  assertEquals(await answers(url), ["2 2 2 2"]);
  Deno.removeSync(held.path("releases/1"), { recursive: true });
  assertEquals(await reload(held, "SIGHUP"), "done");
  assertEquals(await answers(url), ["2 2 2 2"]);
});

Deno.test("who was started in the release finds it again by the name of its shell, or by current", async () => {
  // A service manager sets no PWD, or an old one is left in the environment.
  for (const pwd of ['"${6%/*}/current"', "/"]) {
    const { master, addresses } = await readyMaster({
      ini: "",
      files: {
        ...RELEASES,
        current: { link: "releases/1" },
        ...Object.fromEntries([1, 2].map((number) => [
          `releases/${number}/site.ini`,
          "[uwsgi]\nhttp-socket = 127.0.0.1:0\nlog-encoder = json\ndeno-worker-override = app.ts\n" +
          "worker-reload-mercy = 5\n",
        ])),
      },
      launcher: [
        ...["sh", "-c"],
        `cd "\${6%/*}/current" && exec env PWD=${pwd} "$1" "$2" "$3" "$4" --ini site.ini`,
        "sh",
      ],
    });
    await using held = master;
    const url = `http://${addresses[0]}/`;
    assertEquals(await answers(url), ["1 1 1 1"]);
    flip(held, "releases/2");
    for (const signal of ["SIGUSR2", "SIGHUP"] as const) {
      assertEquals(await reload(held, signal), "done");
      assertEquals(await answers(url), ["2 2 2 2"]);
    }
    Deno.removeSync(held.path("releases/1"), { recursive: true });
    assertEquals(await reload(held, "SIGHUP"), "done");
    assertEquals(await answers(url), ["2 2 2 2"]);
  }
});

Deno.test("a master whose directory was removed shows its stats, and replaces its program", async () => {
  const { master, url } = await running(
    LAYOUTS["chdir and a relative script"] ?? never(),
    "stats = %DIR%/stats.sock\nlogger = file:%DIR%/log\nlog-backupname = old\nlogger = stdio",
  );
  await using held = master;
  flip(held, "releases/2");
  Deno.removeSync(held.path("releases/1"), { recursive: true });
  const { cwd } = JSON.parse(await readUnix(held.path("stats.sock")));
  assertEquals(cwd, held.path("current"));
  held.writeIni(
    held.read("app.ini").replace(/^\[uwsgi\]\n.*\n/, "").replace("stats.sock", "other.sock"),
  );
  assertEquals(await reload(held, "SIGHUP"), "done");
  assertEquals(await answers(url), ["2 2 2 2"]);
  assertEquals(JSON.parse(await readUnix(held.path("other.sock"))).cwd, held.path("releases/2"));
});

Deno.test("mules, daemons, hooks and touched files are those of the release as well", async () => {
  const say = (number: number) => `console.log("mule of ${number}"); setInterval(() => {}, 1000);`;
  const { master } = await running({
    ini: "chdir = %DIR%/current\ndeno-worker-override = app.ts\nmule = mule.ts\n" +
      "attach-daemon = . ./daemon.sh\ntouch-chain-reload = again\nhook-accepting1 = exec:. ./hook.sh",
    files: {
      "releases/1/mule.ts": say(1),
      "releases/2/mule.ts": say(2),
      "releases/1/daemon.sh": "echo daemon of 1; exec sleep 1000",
      "releases/2/daemon.sh": "echo daemon of 2; exec sleep 1000",
      "releases/1/hook.sh": "echo hook of 1",
      "releases/2/hook.sh": "echo hook of 2",
    },
  });
  await using held = master;
  const said = (text: string) =>
    [...held.output, ...held.stdout].some((line) => line.includes(text));
  for (const what of ["mule", "daemon", "hook"]) {
    await held.until(() => said(`${what} of 1`), what);
  }
  flip(held, "releases/2");
  // The file of the new release, by the name of the directory.
  held.touch("current/again");
  for (const what of ["mule", "daemon"]) await held.until(() => said(`${what} of 2`), what);
  // Hooks run where the master is, which follows when the reload is done.
  assertEquals(await reload(held, "SIGUSR2"), "done");
  await held.until(() => said("hook of 2"), "hook");
});

Deno.test("one generation is one release, also when the link is moved while it starts", async () => {
  const slow = (number: number) =>
    `await new Promise((done) => setTimeout(done, 300));\n${app(number)}`;
  const { master, url } = await running({
    ini: "deno-worker-override = %DIR%/current/app.ts\nchdir = %DIR%/current\n",
    files: {
      "releases/2/app.ts": slow(2),
      "releases/3/app.ts": slow(3),
      "releases/3/data.txt": "releases/3",
    },
  });
  await using held = master;
  flip(held, "releases/2");
  const from = held.events.length;
  held.signal("SIGUSR2");
  const starts = () =>
    held.events.slice(from).filter(({ event, fields }) =>
      event === "accepting" && fields.generation === 2
    );
  await held.until(() => starts().length === 1, "first worker of the new generation");
  flip(held, "releases/3");
  await held.until(
    () => held.events.slice(from).some(({ event }) => event === "reloadFinished"),
    "end of the reload",
  );
  assertEquals(await answers(url), ["2 2 2 2"]);
});

Deno.test("a script that is a link itself and was moved is named, when a worker starts after that", async () => {
  const { master } = await running({
    ini: "chdir = %DIR%\ndeno-worker-override = app.js",
    files: { "one.js": app(1), "two.js": app(2), "data.txt": "", "app.js": { link: "one.js" } },
  });
  await using held = master;
  flip(held, "two.js", "app.js");
  const [pid = 0] = [...held.acceptingPids().values()];
  Deno.kill(pid, "SIGKILL");
  await held.until(() => held.events.some(({ event }) => event === "mixedRelease"), "the mix");
  assert(held.events.some(({ message }) => message.includes("two.js")));
});

Deno.test("fs-reload sees the swap of a ConfigMap, each time", async () => {
  const site = (value: number) =>
    `[uwsgi]\nhttp-socket = 127.0.0.1:0\ndeno-worker-override = app.ts\nenv = V=${value}\n` +
    "worker-reload-mercy = 5\n";
  const { master, addresses } = await readyMaster({
    ini: "chdir = %DIR%\nini = etc/site.ini\nfs-reload = %DIR%/etc/site.ini",
    files: {
      "app.ts": "Deno.serve(() => new Response(Deno.env.get('V')));",
      ...Object.fromEntries([1, 2, 3].map((value) => [
        `etc/..${value}/site.ini`,
        site(value),
      ])),
      "etc/..data": { link: "..1" },
      "etc/site.ini": { link: "..data/site.ini" },
    },
    launcher: ["sh", "-c", 'cd "${6%/*}" && exec "$@"', "sh"],
  });
  await using held = master;
  for (const value of [2, 3]) {
    const from = held.events.length;
    flip(held, `..${value}`, "etc/..data");
    Deno.removeSync(held.path(`etc/..${value - 1}`), { recursive: true });
    await held.waitFor("reloadFinished", () => true, from);
    assertEquals(await getText(`http://${addresses[0]}/`), String(value));
  }
});

Deno.test("auto-reload notices the flip, then edits in the new release, and none in the old one", async () => {
  const { master, url } = await running(
    LAYOUTS["chdir and a relative script"] ?? never(),
    "auto-reload = true",
  );
  await using held = master;
  const watches = (number: number) =>
    held.events.some(({ event, fields }) =>
      event === "autoReload" && String(fields.files).includes(`releases/${number}/app.ts`)
    );
  await held.until(() => watches(1), "search for modules");
  let from = held.events.length;
  flip(held, "releases/2");
  await held.waitFor("reloadFinished", () => true, from);
  assertEquals(await answers(url), ["2 2 2 2"]);
  from = held.events.length;
  held.write({ "releases/2/app.ts": app(7) });
  await held.waitFor("reloadFinished", () => true, from);
  assertEquals(await answers(url), ["7 2 2 2"]);
  // What is asked for now would come before what is asked for by the next change.
  held.write({ "releases/1/app.ts": app(8) });
  from = held.events.length;
  held.write({ "releases/2/app.ts": app(9) });
  const asked = await held.waitFor("reloadFinished", () => true, from);
  assertEquals(asked.outcome, "done");
  const whys = held.events.filter(({ event }) => event === "reloadRequested").map(({ message }) =>
    message
  );
  assertEquals(whys.filter((why) => why.includes("releases/1")), []);
});

/** Everything that a Unix socket has to say. */
async function readUnix(path: string): Promise<string> {
  const connection = await Deno.connect({ transport: "unix", path });
  return await new Response(connection.readable).text();
}

/** Waits until both slots have other workers. */
async function successors(
  master: RunningMaster,
  before: ReadonlyMap<number, number>,
): Promise<void> {
  const old = new Set(before.values());
  await master.until(() => {
    const now = [...master.acceptingPids().values()];
    return now.length === 2 && now.every((pid) => !old.has(pid));
  }, "two successors");
}

function never(): never {
  throw new Error("There is no such layout");
}
