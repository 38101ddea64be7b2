/** These need root: only root can become somebody else. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { getJson, getUnix } from "../helpers/http.ts";
import { readyMaster, type RunningMaster, startMaster } from "../helpers/running_master.ts";
import { SharedProgram } from "../helpers/shared_program.ts";

const ROOT = Deno.uid() === 0;
const NOBODY = Number(
  /^nobody:[^:]*:(\d+):/m.exec(Deno.readTextFileSync("/etc/passwd"))?.[1] ?? 65534,
);
const NOGROUP = Number(
  /^nobody:[^:]*:\d+:(\d+):/m.exec(Deno.readTextFileSync("/etc/passwd"))?.[1] ?? 65534,
);
const APP = {
  "app.ts": `import uwsgi from "uwsgi";
uwsgi.serve(() => Response.json({ uid: Deno.uid(), home: Deno.env.get("HOME"), user: Deno.env.get("USER") }));`,
};

/** The lines Uid, Gid and Groups of each thread of a process, numbers only. */
function identities(pid: number): Set<string> {
  const threads = [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => name);
  return new Set(threads.map((thread) => {
    const status = Deno.readTextFileSync(`/proc/${pid}/task/${thread}/status`);
    const numbers = (name: string) =>
      (new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1] ?? "").trim().split(/\s+/).join(" ");
    return `${numbers("Uid")} | ${numbers("Gid")} | ${numbers("Groups")} | ${numbers("CapEff")}`;
  }));
}

function identity(uid: number, gid: number, groups: readonly number[]): Set<string> {
  const four = (id: number) => Array(4).fill(id).join(" ");
  const sorted = [...groups].sort((a, b) => a - b).join(" ");
  return new Set([`${four(uid)} | ${four(gid)} | ${sorted} | 0000000000000000`]);
}

function assertEverybody(master: RunningMaster, wanted: Set<string>, count: number): void {
  const pids = master.processes();
  assertEquals(pids.length, count);
  for (const pid of pids) assertEquals(identities(pid), wanted);
}

/** User and group that a file belongs to. */
function ownerOf(master: RunningMaster, name: string): unknown[] {
  const { uid, gid } = Deno.statSync(master.path(name));
  return [uid, gid];
}

Deno.test({
  name: "uid: every thread of master and workers drops root, after ports and sockets are bound",
  ignore: !ROOT,
  fn: async () => {
    using program = new SharedProgram();
    const { master, addresses } = await readyMaster({
      ini: `http-socket = 127.0.0.1:0
socket = %DIR%/app.sock
processes = 2
uid = nobody
add-gid = 4242
pidfile = root.pid
pidfile2 = user.pid
vacuum = true
deno-worker-override = app.ts`,
      files: APP,
      program,
    });
    await using running = master;
    const [tcp = "", unix = ""] = addresses;
    const wanted = identity(NOBODY, NOGROUP, [NOGROUP, 4242]);
    assertEverybody(running, wanted, 3);
    const answer = await getJson<{ uid: number; user: string }>(`http://${tcp}/`);
    assertEquals([answer.uid, answer.user], [NOBODY, "nobody"]);
    assertStringIncludes(await getUnix(unix), `"uid":${NOBODY}`);
    const owner = (name: string) => Deno.statSync(running.path(name)).uid;
    assertEquals(["root.pid", "user.pid", "app.sock"].map(owner), [0, NOBODY, NOBODY]);
    // A reload has to bind sockets for slots that are new, beside those that root has bound.
    running.writeIni(
      Deno.readTextFileSync(running.path("app.ini")).replace(/^\[uwsgi\]\n.*\n/, "")
        .replace("processes = 2", "processes = 4"),
    );
    running.signal("SIGHUP");
    const { outcome } = await running.waitFor("reloadFinished");
    assertEquals(outcome, "done");
    await running.until(() => running.processes().length === 5, "four workers");
    assertEverybody(running, wanted, 5);
    assertEquals(await running.stop(), 0);
    const left = [...Deno.readDirSync(running.directory)].map(({ name }) => name);
    assert(!left.includes("user.pid") && !left.includes("app.sock"), left.join(" "));
  },
});

Deno.test({
  name: "uid and gid: numbers without an entry, no further groups, a port of root's, and a log",
  ignore: !ROOT,
  fn: async () => {
    using program = new SharedProgram();
    await using running = startMaster({
      ini: `http-socket = 127.0.0.1:0
uid = 54321
gid = 54322
no-initgroups = true
daemonize2 = log.txt
safe-pidfile = m.pid
touch-logrotate = rotate
deno-worker-override = app.ts`,
      files: APP,
      program,
    });
    assertEquals(await running.exitCode(), 0, running.output.join("\n"));
    assertEverybody(running, identity(54321, 54322, [54322]), 2);
    assertEquals(Deno.statSync(running.path("m.pid")).uid, 54321);
    assertEquals(Deno.statSync(running.path("log.txt")).uid, 54321);
    // The directory is sticky, and the log belongs to the user: it can be rotated.
    running.touch("rotate");
    const log = () => running.read("log.txt");
    await running.eventually(() => log().includes('"logReopened"'), "rotated log");
    Deno.kill(Number(Deno.readTextFileSync(running.path("m.pid"))), "SIGTERM");
    await running.eventually(() => running.processes().length === 0, "end of the daemon");
    assertStringIncludes(log(), "is gone: exited with code 0 (stop)");
  },
});

Deno.test({
  name: "logto2 is made by the user of uid, who can open it again, and must be allowed to make it",
  ignore: !ROOT,
  fn: async () => {
    using program = new SharedProgram();
    const start = (logto2: string) =>
      startMaster({
        ini: `http-socket = 127.0.0.1:0
uid = nobody
logto2 = ${logto2}
touch-logreopen = reopen
deno-worker-override = app.ts`,
        files: APP,
        program,
      });
    await using running = start("log.txt");
    const told = (event: string) =>
      running.until(() => running.read("log.txt").includes(`"${event}"`), event);
    await told("ready");
    // A file that is opened before, such as that of logto, is made by root and given away.
    assertEquals(ownerOf(running, "log.txt"), [NOBODY, NOGROUP]);
    Deno.renameSync(running.path("log.txt"), running.path("log.moved"));
    running.touch("reopen");
    await told("logReopened");
    assertEquals(ownerOf(running, "log.txt"), [NOBODY, NOGROUP]);
    assertEquals(await running.stop(), 0);

    // There only root may make files.
    await using refused = start(`${program.main}.log`);
    assertEquals(await refused.exitCode(), 2);
    assertMatch(
      refused.output.join("\n"),
      /Cannot open the log file ".*main\.[jt]s\.log" of logto2 \(.*app\.ini:5\): permission denied/,
    );
  },
});

Deno.test({
  name: "logfile-chown is the owner of log files, whether found, made or rotated, also beside uid",
  ignore: !ROOT,
  fn: async () => {
    using program = new SharedProgram();
    const log = "logto = log.txt\nlogger = stdio\nlogger = file:log.new";
    const cases = [
      { ini: "logfile-chown = nobody:54322", wanted: [NOBODY, 54322] },
      { ini: "logfile-chown = 54321", wanted: [54321, 0] },
      { ini: "logfile-chown = nobody:54322\nuid = 54321\ngid = 4242", wanted: [NOBODY, 54322] },
    ];
    for (const { ini, wanted } of cases) {
      await using running = startMaster({
        ini: `http-socket = 127.0.0.1:0\ntouch-logrotate = rotate\ndeno-worker-override = app.ts
${log}\n${ini}`,
        files: { ...APP, "log.txt": "" },
        program,
      });
      const told = (event: string, times: number) =>
        running.until(() => running.read("log.txt").split(`"${event}"`).length > times, event);
      const owners = () => ["log.txt", "log.new"].map((name) => ownerOf(running, name));
      await told("ready", 1);
      assertEquals(owners(), [wanted, wanted], ini);
      // Whoever is root no more cannot give new ones away.
      if (!ini.includes("uid")) {
        running.touch("rotate");
        await told("logReopened", 2);
        assertEquals(owners(), [wanted, wanted], ini);
      }
      assertEquals(await running.stop(), 0);
    }
  },
});

Deno.test({
  name: "uid, gid: who is unknown or out of reach is one line with file and line",
  ignore: !ROOT,
  fn: async () => {
    using program = new SharedProgram();
    const cases = [
      ["uid = no-such-user", /uid \(.*app\.ini:5\).*No user "no-such-user"/],
      ["gid = no-such-group", /gid \(.*app\.ini:5\).*No group "no-such-group"/],
      ["add-gid = no-such-group", /add-gid \(.*app\.ini:5\).*No group "no-such-group"/],
      ["uid = 54321", /user 54321 of uid \(.*app\.ini:5\).*set gid as well/],
      ["uid = nobody\nchdir = secret", /user of uid \(.*app\.ini:5\) has no access to the script/],
    ] as const;
    for (const [ini, expected] of cases) {
      await using running = startMaster({
        ini: `http-socket = 127.0.0.1:0\ndeno-worker-override = %DIR%/secret/app.ts\n${ini}`,
        files: { secret: "" },
        program,
      });
      Deno.removeSync(running.path("secret"));
      Deno.mkdirSync(running.path("secret"), { mode: 0o700 });
      Deno.writeTextFileSync(running.path("secret/app.ts"), APP["app.ts"]);
      assertEquals(await running.exitCode(), 2, ini);
      assertMatch(running.output.join("\n"), expected, ini);
      assertEquals(running.processes(), []);
    }
  },
});
