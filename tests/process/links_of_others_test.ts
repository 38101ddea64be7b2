/** Root does nothing to what links of other users lead to. These need root, and play its adversary. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { getText, getUnix } from "../helpers/http.ts";
import { NOBODY, OtherUser } from "../helpers/other_user.ts";
import { duwsgi } from "../helpers/program.ts";
import { readyMaster, type RunningMaster, startMaster } from "../helpers/running_master.ts";
import { SharedProgram } from "../helpers/shared_program.ts";

const ROOT = Deno.uid() === 0;
const HELLO = { "app.ts": { fixture: "workers/hello.ts" } };
const INI = "http-socket = 127.0.0.1:0\ndeno-worker-override = app.ts";
const AS_USER = `${INI}\nuid = ${NOBODY}\ngid = ${NOBODY}`;

/** A test that only root can run. */
function rootTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !ROOT, fn });
}

/** The one line that a start ends with, wherever it was written to. */
async function refusal(running: RunningMaster, code: number, what: string): Promise<string> {
  assertEquals(await running.exitCode(), code, what + running.output.join("\n"));
  const lines = running.output.filter((line) => /^duwsgi: (?!hook-)/.test(line));
  assertEquals(lines.length, 1, what + lines.join("\n"));
  return lines[0] ?? "";
}

rootTest(
  "a log file that is a link, or has a second name, or lies anywhere, is refused by root",
  async () => {
    using program = new SharedProgram();
    const cases = [
      ["ln -s ../victim log", "symbolic link of user 65534"],
      ["mkdir d; ln -s ../.. d/up", "symbolic link of user 65534", "d/up/theirs/../victim"],
      ["mkfifo log", "FIFO that nobody reads"],
      ["mkdir log", "is a directory"],
    ] as const;
    for (const option of ["logto =", "logger = file:", "req-logger = file:", "daemonize ="]) {
      for (const [prepare, expected, path = "log"] of cases) {
        await using other = new OtherUser();
        await other.run(prepare);
        const more = option.startsWith("req") ? "\nlog-requests = true" : "";
        await using running = startMaster({
          ini: `${AS_USER}\n${option}${option.endsWith(":") ? "" : " "}${other.at(path)}${more}`,
          files: HELLO,
          program,
        });
        const line = await refusal(running, 2, `${option} ${prepare}\n`);
        assertMatch(line, /Cannot open the log file .* \(.*app\.ini:\d+\): /);
        assertStringIncludes(line, expected);
        other.assertVictimUntouched(`${option} ${prepare}`);
      }
    }
  },
);

rootTest(
  "root takes a log file of the user's, and gives away none that somebody may have moved",
  async () => {
    using program = new SharedProgram();
    await using other = new OtherUser();
    // A second name of a file of root's, as anybody can make one where fs.protected_hardlinks is 0.
    Deno.linkSync(other.victim, other.at("linked"));
    await using refused = startMaster({
      ini: `${AS_USER}\nlogto = ${other.at("linked")}`,
      files: HELLO,
      program,
    });
    assertStringIncludes(await refusal(refused, 2, ""), "has 2 hard links");
    Deno.removeSync(other.at("linked"));
    other.assertVictimUntouched("hard link");

    // Only its owner may write to a directory of a third user.
    Deno.chownSync(other.directory, 54_321, 54_321);
    await using third = startMaster({
      ini: `${AS_USER}\nlogto = ${other.at("log")}`,
      files: HELLO,
      program,
    });
    assertStringIncludes(await refusal(third, 2, ""), "belongs to user 54321");
    Deno.chownSync(other.directory, NOBODY, NOBODY);

    // The user of the directory may have renamed a file of root's, such as a key, to be the log.
    Deno.writeTextFileSync(other.at("log"), "key\n");
    Deno.chmodSync(other.at("log"), 0o600);
    await using running = startMaster({
      ini: `${AS_USER}\nlogto = ${other.at("log")}\nlogger = file:${
        other.at("new")
      }\nlogger = stdio`,
      files: HELLO,
      program,
    });
    const log = () => Deno.readTextFileSync(other.at("log"));
    await running.until(() => log().includes('"ready"'), "ready");
    assertStringIncludes(log(), "stays root's");
    assertEquals(["log", "new"].map((name) => Deno.statSync(other.at(name)).uid), [0, NOBODY]);
    assertEquals(await running.stop(), 0);
  },
);

rootTest(
  "links that root has made are followed: a log file, and directories above it",
  async () => {
    using program = new SharedProgram();
    await using other = new OtherUser();
    Deno.mkdirSync(other.beside("real"));
    Deno.symlinkSync("real", other.beside("current"));
    Deno.symlinkSync(other.beside("current/app.log"), other.beside("log"));
    const start = (ini: string) =>
      startMaster({ ini: `${AS_USER}\n${ini}`, files: HELLO, program });
    // The second start finds the file, which belongs to the user by now.
    for (const start1 of [1, 2]) {
      await using running = start(`logto = ${other.beside("log")}`);
      const log = () => {
        try {
          return Deno.readTextFileSync(other.beside("real/app.log"));
        } catch {
          return "";
        }
      };
      await running.until(() => log().split('"ready"').length === start1 + 1, "ready");
      assertEquals(Deno.statSync(other.beside("real/app.log")).uid, NOBODY);
      assertEquals(await running.stop(), 0);
    }
    // Of the kind of /dev/null, which is not to be given away. Not everybody who is root may make one.
    const device = other.beside("device");
    const node = new Deno.Command("mknod", { args: [device, "c", "1", "3"], stderr: "null" });
    if (!(await node.output()).success) Deno.writeTextFileSync(device, "");
    for (const path of ["/dev/stderr", "/proc/self/fd/2", device]) {
      await using running = start(`logger = file:${path}\nlogger = stdio`);
      await running.ready();
      assertEquals(await running.stop(), 0);
    }
    const { uid, isCharDevice } = Deno.statSync(device);
    assertEquals(uid, isCharDevice === true ? 0 : NOBODY);
  },
);

rootTest("who swaps a log file while root opens it, gets nothing of root's", async () => {
  using program = new SharedProgram();
  await using other = new OtherUser();
  await other.play(
    program.deno,
    `for (let i = 0; i < 20; i++) {
      Deno.writeTextFileSync("file", "");
      Deno.renameSync("file", directory + "/log");
      Deno.symlinkSync(victim, "link");
      Deno.renameSync("link", directory + "/log");
    }
    Deno.removeSync(directory + "/log");`,
  );
  for (let i = 0; i < 10; i++) {
    await using running = startMaster({
      ini: `${AS_USER}\nlogger = file:${other.at("log")}\nlogger = stdio\nhook-as-user = exit:7`,
      files: HELLO,
      program,
    });
    // It is refused when the link is there, and ends by its hook when the file is.
    assert([2, 7].includes(await running.exitCode()), running.output.join("\n"));
    other.assertVictimUntouched("race for the log file");
  }
});

rootTest(
  "who swaps a Unix socket or a FIFO while root makes it, gets nothing of root's",
  async () => {
    using program = new SharedProgram();
    const cases = [
      ["app", `socket = %OTHER%/app\nuid = ${NOBODY}\ngid = ${NOBODY}`],
      ["app", "socket = %OTHER%/app\nchmod-socket = 666\nchown-socket = nobody"],
      ["fifo", "master-fifo = %OTHER%/fifo"],
    ] as const;
    for (const [name, ini] of cases) {
      await using other = new OtherUser();
      await other.play(
        program.deno,
        `if (!told) Deno.symlinkSync(victim, "link");
      if (Deno.lstatSync(directory + "/${name}").isSymlink) continue;
      Deno.renameSync("link", directory + "/${name}");
      Deno.symlinkSync(victim, "link");`,
      );
      const hook = name === "fifo" ? "print:on" : "exit:7";
      for (let i = 0; i < 8; i++) {
        await using running = startMaster({
          ini: `${INI}\n${ini.replace("%OTHER%", other.directory)}\nhook-as-user = ${hook}`,
          files: HELLO,
          program,
        });
        // The FIFO is made after the hooks: if that fails, the master ends before it is ready.
        if (name === "fifo") await running.ready().catch(() => {});
        await running.stop();
        other.assertVictimUntouched(`race for ${ini}`);
        // Only now can another one be bound there.
        await other.run(`rm -f ${name}`);
      }
    }
  },
);

rootTest(
  "a Unix socket has its mode from the first moment on, and belongs to whom it should",
  async () => {
    using program = new SharedProgram();
    await using other = new OtherUser();
    const { master } = await readyMaster({
      ini: `${AS_USER}\nsocket = ${other.at("a.sock")}\nchmod-socket = 666`,
      files: HELLO,
      program,
      launcher: ["sh", "-c", 'umask 077; exec "$@"', "sh"],
    });
    await using running = master;
    const { mode, uid } = Deno.statSync(other.at("a.sock"));
    assertEquals([(mode ?? 0) & 0o777, uid], [0o666, NOBODY]);
    assertStringIncludes(await getUnix(other.at("a.sock")), "");
    assertEquals(await running.stop(), 0);
  },
);

rootTest("actions of hooks follow no link of another user's", async () => {
  const actions = [
    "chown:%LINK% nobody nogroup",
    "chown2:%LINK% 65534 65534",
    "chmod:%LINK% 666",
    "sticky:%LINK%",
    "create:%LINK%",
    "write:%LINK% text",
    "writen:%LINK% text",
    "append:%LINK% text",
    "appendn:%LINK% text",
    "writefifo:%LINK% text",
  ];
  await using other = new OtherUser();
  await other.run("ln -s ../victim link");
  Deno.linkSync(other.victim, other.at("second"));
  for (const action of actions) {
    for (const name of ["link", "second"]) {
      if (name === "second" && action.startsWith("writefifo")) continue;
      await using running = startMaster({
        ini: `${INI}\nhook-pre-jail = ${action.replace("%LINK%", other.at(name))}`,
        files: HELLO,
      });
      const line = await refusal(running, 8, `${action} ${name}\n`);
      assertMatch(line, name === "link" ? /symbolic link of user 65534/ : /has 2 hard links/);
    }
  }
  Deno.removeSync(other.at("second"));
  other.assertVictimUntouched("hooks");
  // Of root's own links, and of files without others, everything is as before.
  Deno.symlinkSync("theirs/file", other.beside("own"));
  await using running = startMaster({
    ini: `${INI}
hook-pre-jail = write:${other.beside("own")} text
hook-pre-jail = append:${other.beside("own")} more
hook-pre-jail = chmod:${other.beside("own")} 640
hook-pre-jail = sticky:${other.at("file")}
hook-pre-jail = chown:${other.beside("own")} nobody nogroup
hook-pre-jail = exit:7`,
    files: HELLO,
  });
  assertEquals(await running.exitCode(), 7, running.output.join("\n"));
  assertEquals(Deno.readTextFileSync(other.at("file")), "textmore");
  const { mode, uid } = Deno.statSync(other.at("file"));
  assertEquals([(mode ?? 0) & 0o7777, uid], [0o1640, NOBODY]);
});

rootTest(
  "metrics, pushed stats and pidfiles of daemons overwrite nothing behind links",
  async () => {
    await using other = new OtherUser();
    await other.run("for i in '~' 'm~' 'm' stats daemon.pid.new; do ln -s ../victim \"$i\"; done");
    const { master } = await readyMaster({
      ini: `${INI}
metric = name=m
metrics-dir = ${other.directory}
stats-push = file:path=${other.at("stats")},freq=1
smart-attach-daemon2 = ${other.at("daemon.pid")} exec sleep 600 >/dev/null 2>&1`,
      files: HELLO,
    });
    await using running = master;
    await running.until(
      () => Deno.lstatSync(other.at("m")).isFile && running.count("pusherFailed") > 0,
      "metric and pushed stats",
    );
    const pid = () => {
      try {
        return Number(Deno.readTextFileSync(other.at("daemon.pid")));
      } catch {
        return 0;
      }
    };
    await running.until(() => pid() > 1, "pidfile of the daemon");
    Deno.kill(pid(), "SIGKILL");
    assertEquals(await running.stop(), 0);
    other.assertVictimUntouched("metrics, stats, pidfile");
  },
);

rootTest(
  "a pidfile that is a FIFO is refused and hangs nobody, and one that is a link is replaced",
  async () => {
    await using other = new OtherUser();
    await other.run("mkfifo fifo; ln -s ../victim link");
    await using refused = startMaster({
      ini: `${INI}\npidfile = ${other.at("fifo")}`,
      files: HELLO,
    });
    assertStringIncludes(await refusal(refused, 2, ""), "no regular file");
    const { master } = await readyMaster({
      ini: `${INI}\npidfile = ${other.at("link")}`,
      files: HELLO,
    });
    await using running = master;
    assertEquals(Deno.readTextFileSync(other.at("link")), `${running.pid}\n`);
    assert(Deno.lstatSync(other.at("link")).isFile);
    assertEquals(await running.stop(), 0);
    other.assertVictimUntouched("pidfile");
  },
);

rootTest("a master's directory that somebody else has made again is left alone", async () => {
  await using other = new OtherUser();
  const { master, addresses } = await readyMaster({
    ini: `${INI}\nprocesses = 2\ntouch-reload = reload`,
    files: HELLO,
  });
  await using running = master;
  const own = () =>
    [...Deno.readDirSync(running.directory)].map(({ name }) => name)
      .filter((name) => name.startsWith("duwsgi-")).map((name) => running.path(name));
  const [before = ""] = own();
  // As a cleaner of old files does; then somebody else makes one of the same name.
  Deno.removeSync(before, { recursive: true });
  Deno.mkdirSync(before);
  Deno.chmodSync(before, 0o777);
  Deno.chownSync(before, NOBODY, NOBODY);
  const planted = ["import_map_2.json", "facts_2.json"];
  for (const name of planted) Deno.symlinkSync(other.victim, `${before}/${name}`);
  assertEquals((await running.reload()).outcome, "done");
  const [pid = 0] = running.acceptingPids().values();
  const from = running.events.length;
  Deno.kill(pid, "SIGKILL");
  await running.waitFor("accepting", () => true, from);
  assertStringIncludes(await getText(`http://${addresses[0]}/`), "");
  assertEquals((await duwsgi(["ctl", "--pid", String(running.pid), "status"])).code, 0);
  assertEquals(running.count("directoryRenewed"), 1);
  assertEquals(own().length, 2);
  assertEquals(await running.stop(), 0);
  other.assertVictimUntouched("the master's directory");
  assertEquals(own(), [before]);
  assertEquals([...Deno.readDirSync(before)].map(({ name }) => name).sort(), [...planted].sort());
  Deno.removeSync(before, { recursive: true });
});

rootTest(
  "root believes a pidfile for processes of who can have written it, and for no others",
  async () => {
    await using other = new OtherUser();
    const { master } = await readyMaster({
      ini: `${INI}\npidfile = ${other.beside("root.pid")}`,
      files: HELLO,
    });
    await using running = master;
    await other.run(`echo ${running.pid} >forged; ln -s ../root.pid link`);
    Deno.writeTextFileSync(other.beside("shared"), `${running.pid}\n`);
    Deno.chmodSync(other.beside("shared"), 0o666);
    const cases = [
      [other.at("forged"), `belongs to user ${NOBODY}, and process ${running.pid} to user 0`],
      [other.at("link"), "symbolic link of user 65534"],
      [other.beside("shared"), "other users may write to it"],
    ] as const;
    for (const [path, expected] of cases) {
      for (
        const args of [["--stop", path], ["--reload", path], ["ctl", "--pidfile", path, "stop"]]
      ) {
        const { code, stderr } = await duwsgi(args);
        assertEquals(code, 13, `${args}: ${stderr}`);
        assertEquals(stderr.trim().split("\n").length, 1);
        assertStringIncludes(stderr, expected);
      }
    }
    assertEquals(running.count("reloadFinished"), 0);
    assertEquals((await duwsgi(["--stop", other.beside("root.pid")])).code, 0);
    assertEquals(await running.exitCode(), 0);
  },
);

rootTest("root stops a master of another user by that user's pidfile", async () => {
  using program = new SharedProgram();
  await using other = new OtherUser();
  const { master } = await readyMaster({
    ini: `${AS_USER}\npidfile2 = ${other.at("user.pid")}`,
    files: HELLO,
    program,
  });
  await using running = master;
  assertEquals(Deno.statSync(other.at("user.pid")).uid, NOBODY);
  assertEquals((await duwsgi(["ctl", "--pidfile", other.at("user.pid"), "status"])).code, 0);
  assertEquals((await duwsgi(["--stop", other.at("user.pid")])).code, 0);
  assertEquals(await running.exitCode(), 0);
});

rootTest(
  "a cache of another user's, whose code root would execute, is told at the start",
  async () => {
    await using other = new OtherUser();
    const { master } = await readyMaster({
      ini: INI,
      files: HELLO,
      env: { DENO_DIR: other.directory },
    });
    await using running = master;
    assertEquals((await running.waitFor("foreignCache")).path, other.directory);
    assertEquals(await running.stop(), 0);
  },
);

rootTest(
  "a TMPDIR in which another user could replace the master's directory is not used",
  async () => {
    await using other = new OtherUser();
    const { master } = await readyMaster({
      ini: INI,
      files: HELLO,
      launcher: ["env", `TMPDIR=${other.directory}`],
    });
    await using running = master;
    assertStringIncludes(
      running.events.find(({ event }) => event === "temporaryDirectory")?.message ?? "",
      `"${other.directory}" belongs to user ${NOBODY}`,
    );
    assertEquals([...Deno.readDirSync(other.directory)], []);
    assertEquals(await running.stop(), 0);
  },
);

rootTest("a daemon's pidfile of another user's names no process of root's", async () => {
  await using other = new OtherUser();
  const sleeper = new Deno.Command("sleep", { args: ["600"] }).spawn();
  try {
    await other.run(`echo ${sleeper.pid} >daemon.pid`);
    const { master } = await readyMaster({
      ini: `${INI}\nsmart-attach-daemon2 = ${
        other.at("daemon.pid")
      } exec sleep 600 >/dev/null 2>&1`,
      files: HELLO,
    });
    await using running = master;
    const { pid } = await running.waitFor("companionStranger");
    assertEquals(pid, sleeper.pid);
    const named = () => Number(Deno.readTextFileSync(other.at("daemon.pid")));
    await running.until(() => named() !== sleeper.pid, "the daemon itself");
    Deno.kill(named(), "SIGKILL");
    assertEquals(await running.stop(), 0);
  } finally {
    sleeper.kill("SIGKILL");
    await sleeper.status;
  }
});
