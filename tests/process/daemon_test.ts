import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { type RunningMaster, startMaster } from "../helpers/running_master.ts";

const HELLO = { "app.ts": { fixture: "workers/hello.ts" } };

/** What /proc says of a process. */
function stat(pid: number): { readonly parent: number; readonly session: number } {
  const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { parent: Number(fields[1]), session: Number(fields[3]) };
}

function log(master: RunningMaster, name = "log.txt"): string {
  return Deno.readTextFileSync(master.path(name));
}

/** The address in the banner of a daemon's log. */
function address(text: string): string {
  return /Socket http:\/\/(127\.0\.0\.1:\d+)/.exec(text)?.[1] ?? "";
}

async function stop(master: RunningMaster, pid: number): Promise<void> {
  Deno.kill(pid, "SIGTERM");
  await master.eventually(() => master.processes().length === 0, "end of the daemon");
}

for (const option of ["daemonize", "daemonize2"]) {
  Deno.test(`${option} returns when the daemon is up, which has a session, a log and no terminal`, async () => {
    await using running = startMaster({
      ini: `http-socket = 127.0.0.1:0
processes = 2
umask = 027
${option} = log.txt
safe-pidfile = m.pid
touch-logreopen = unused
vacuum = true
deno-worker-override = app.ts`,
      files: HELLO,
    });
    assertEquals(await running.exitCode(), 0);
    const pids = running.processes();
    assert(pids.length > 0, "the daemon runs");
    await running.eventually(() => log(running).includes('"ready"'), "ready workers");
    if (option === "daemonize2") assertEquals(running.processes().length, 3);
    // A safe-pidfile is written after the line which says that the workers are ready.
    await running.eventually(() => running.read("m.pid") !== "", "pidfile");
    const pid = Number(running.read("m.pid"));
    assertEquals(stat(pid).session, pid);
    assertEquals(running.output, []);
    assertEquals(Deno.readLinkSync(`/proc/${pid}/fd/0`), "/dev/null");
    for (const fd of [1, 2]) {
      assertEquals(Deno.readLinkSync(`/proc/${pid}/fd/${fd}`), running.path("log.txt"));
    }
    // Nothing of the terminal is left open, or whoever waits for its end would wait for the daemon's.
    const pipes = [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) => {
      try {
        return Deno.readLinkSync(`/proc/${pid}/fd/${name}`);
      } catch {
        return "";
      }
    }).filter((target) => /^\/dev\/(pts|tty)/.test(target));
    assertEquals(pipes, []);
    assertMatch(Deno.readTextFileSync(`/proc/${pid}/status`), /^Umask:\s+0027$/m);
    assertStringIncludes(await getText(`http://${address(log(running))}/`), "worker");
    await stop(running, pid);
    assertStringIncludes(log(running), "is gone: exited with code 0 (stop)");
    assertEquals([...Deno.readDirSync(running.directory)].some((e) => e.name === "m.pid"), false);
  });
}

Deno.test("daemonize2 fails with the error and the exit code of the daemon, and leaves nothing", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const taken = (listener.addr as Deno.NetAddr).port;
  const free = "http-socket = 127.0.0.1:0\n";
  const cases = [
    [2, `${free}processes = many`, /processes.*expects a whole number/],
    [2, `${free}deno-worker-override = nowhere.ts`, /Cannot find the script/],
    [2, `${free}daemonize2 = nowhere/log.txt`, /Cannot open the log file.*nowhere\/log\.txt/],
    [2, `${free}uid = no-such-user`, /uid \(.*app\.ini:6\).*no-such-user/],
    [3, `http-socket = 127.0.0.1:${taken}`, /Cannot open http-socket.*address already in use/],
    [4, `${free}deno-worker-override = broken.ts`, /no luck/],
    [6, `${free}pidfile = live.pid`, /is running: stop it first/],
  ] as const;
  try {
    for (const [code, ini, expected] of cases) {
      await using running = startMaster({
        ini: `daemonize2 = log.txt\ndeno-worker-override = app.ts\n${ini}`,
        files: {
          ...HELLO,
          "broken.ts": "throw new Error('no luck');",
          "live.pid": `${Deno.pid}\n`,
        },
      });
      assertEquals(await running.exitCode(), code, ini);
      const shown = [...running.output, ...running.events.map(({ message }) => message)];
      assertMatch(shown.join("\n"), expected, ini);
      assertEquals(running.processes(), [], ini);
    }
  } finally {
    listener.close();
  }
});

Deno.test("daemonize2 that is told to stop while it waits stops the daemon", async () => {
  await using running = startMaster({
    ini: `http-socket = 127.0.0.1:0
daemonize2 = log.txt
pidfile = m.pid
vacuum = true
deno-worker-override = app.ts`,
    files: { "app.ts": "Deno.writeTextFileSync('started', ''); setInterval(() => {}, 1000);" },
  });
  await running.until(
    () => [...Deno.readDirSync(running.directory)].some(({ name }) => name === "started"),
    "starting worker",
  );
  running.signal("SIGTERM");
  assertEquals(await running.exitCode(), 4);
  assertEquals(running.processes(), []);
});

Deno.test("daemonize2 takes a configuration from standard input with it", async () => {
  await using running = startMaster({
    ini: "daemonize2 = log.txt\nsafe-pidfile = m.pid\nini = -",
    files: HELLO,
    stdin: "[uwsgi]\nhttp-socket = 127.0.0.1:0\ndeno-worker-override = app.ts\n",
  });
  assertEquals(await running.exitCode(), 0);
  const pid = Number(Deno.readTextFileSync(running.path("m.pid")));
  await running.eventually(() => log(running).includes('"ready"'), "ready workers");
  assertStringIncludes(await getText(`http://${address(log(running))}/`), "worker");
  await stop(running, pid);
});

Deno.test("without foreign functions, what needs them is refused with file and line", async () => {
  for (const option of ["daemonize", "daemonize2", "pidfile", "uid", "procname"]) {
    await using running = startMaster({
      ini: `http-socket = 127.0.0.1:0\ndeno-worker-override = app.ts\n${option} = root`,
      files: HELLO,
      permissions: ["read", "write", "net", "run", "env", "sys"].map((kind) => `--allow-${kind}`),
    });
    assertEquals(await running.exitCode(), 2, option);
    assertMatch(
      running.output.join("\n"),
      new RegExp(`${option} \\(.*app\\.ini:5\\).*--allow-ffi`),
    );
  }
});
