/** Programs that run beside the workers. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  type LogEvent,
  readyMaster,
  RunningMaster,
  startMaster,
} from "../helpers/running_master.ts";

const INI = `http-socket = 127.0.0.1:0
deno-worker-override = app.ts
processes = 2`;
const HELLO = { "app.ts": { fixture: "workers/hello.ts" } };

/** Says its process id, and waits. */
const REPORT = `echo "daemon $$"
echo complete
exec sleep 1000`;

function daemonPid(master: RunningMaster): number {
  const line = master.stdout.findLast((one) => one.startsWith("daemon "));
  return Number(line?.slice("daemon ".length));
}

function isThere(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

async function settled(master: RunningMaster): Promise<LogEvent["fields"]> {
  const fields = await master.waitFor("companionStarted");
  await master.until(() => master.stdout.includes("complete"), "output of the daemon");
  return fields;
}

Deno.test("a daemon is started with nothing of the master's, and ends after the workers", async () => {
  const { master } = await readyMaster({
    ini: `${INI}\nenv = GREETING=hi\nattach-daemon = sh daemon.sh`,
    files: { ...HELLO, "daemon.sh": `echo "greeting $GREETING"\n${REPORT}` },
  });
  await using running = master;
  await settled(running);
  const pid = daemonPid(running);
  assert(running.stdout.includes("greeting hi"));
  await running.until(
    () => Deno.readTextFileSync(`/proc/${pid}/comm`) === "sleep\n",
    "end of the shell",
  );
  const targets = [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) =>
    `${name} ${Deno.readLinkSync(`/proc/${pid}/fd/${name}`).replace(/\d+/g, "N")}`
  );
  assertEquals(targets.toSorted(), ["0 /dev/null", "1 pipe:[N]", "2 pipe:[N]"]);
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]?.split(" ") ?? [];
  const [, , group, session] = stat;
  assertEquals(group, session);
  assert(group !== String(running.pid));
  assertEquals(await running.stop(), 0);
  assert(!isThere(pid));
  const order = running.events.map(({ event }) => event);
  assert(order.lastIndexOf("gone") < order.indexOf("companionGone"));
});

Deno.test("a daemon that ends is started again, and its end is in the log", async () => {
  const { master } = await readyMaster({
    ini: `${INI}\nattach-daemon = echo "daemon $$"; exec sleep 1000`,
    files: HELLO,
  });
  await using running = master;
  const { pid } = await running.waitFor("companionStarted");
  Deno.kill(Number(pid), "SIGKILL");
  const { how } = await running.waitFor("companionGone");
  assertEquals(how, "was killed by SIGKILL");
  await running.waitFor("companionStarted", (fields) => fields.pid !== pid);
});

Deno.test("a daemon that keeps failing is started ever more rarely", async () => {
  const { master } = await readyMaster({ ini: `${INI}\nattach-daemon = exit 3`, files: HELLO });
  await using running = master;
  await running.waitFor("companionBackoff", ({ pauseMs }) => pauseMs === 500);
  const { how } = await running.waitFor("companionGone");
  assertEquals(how, "exited with code 3");
});

Deno.test("a daemon that does not end in time is killed, with what it started", async () => {
  const { master } = await readyMaster({
    ini: `${INI}\nreload-mercy = 0.1\nattach-daemon = sh daemon.sh`,
    files: {
      ...HELLO,
      "daemon.sh": `trap "" TERM\n${REPORT}`,
    },
  });
  await using running = master;
  await settled(running);
  const pid = daemonPid(running);
  assertEquals(await running.stop(), 0);
  assert(running.events.some(({ event }) => event === "companionKilled"));
  assert(!isThere(pid));
});

Deno.test("nothing is left of daemons and mules, when the master is killed", async () => {
  const { master } = await readyMaster({
    ini: `${INI}\nmule = mule.ts\nattach-daemon = sh daemon.sh`,
    files: {
      ...HELLO,
      "daemon.sh": `trap "" TERM HUP INT\nsleep 1000 &\n${REPORT}`,
      "mule.ts": `import uwsgi from "uwsgi";\nwhile (true) await uwsgi.mule_msg_get();`,
    },
  });
  await using running = master;
  await settled(running);
  await running.waitFor("companionStarted", ({ mule }) => mule === 1);
  const pid = daemonPid(running);
  running.signal("SIGKILL");
  await running.exitCode();
  const deadline = performance.now() + 30_000;
  while (running.processes().length > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assertEquals(running.processes(), []);
  assert(!isThere(pid));
  // The workers remove the directory of the master that could not.
});

Deno.test("the instance stops in order, when its control daemon ends", async () => {
  await using running = startMaster({
    ini: `${INI}\nattach-control-daemon = while [ ! -e end ]; do sleep 0.05; done; exit 7`,
    files: HELLO,
  });
  await running.ready();
  running.touch("end");
  assertEquals(await running.exitCode(), 0);
  const stopping = running.events.find(({ event }) => event === "stopping");
  assertStringIncludes(stopping?.message ?? "", "exited with code 7");
});

Deno.test("a reload ends daemons that are gone from the configuration, and keeps the others", async () => {
  const daemon = (name: string, keys = "") =>
    `attach-daemon2 = cmd=exec sh daemon.sh ${name}${keys}`;
  const { master } = await readyMaster({
    ini: `${INI}\n${daemon("a", ",reloadsignal=1")}\n${daemon("b")}`,
    files: {
      ...HELLO,
      "daemon.sh": `trap 'echo "$1 reloads"' HUP\necho "$1 runs"\nwhile true; do sleep 0.05; done`,
    },
  });
  await using running = master;
  const runs = (name: string) => running.stdout.filter((line) => line === `${name} runs`).length;
  await running.until(() => runs("a") + runs("b") === 2, "both daemons");
  running.writeIni(`${INI}\n${daemon("a", ",reloadsignal=1")}\n${daemon("c")}`);
  running.signal("SIGHUP");
  await running.until(() => runs("c") === 1, "the new daemon");
  await running.until(() => running.stdout.includes("a reloads"), "the reload signal");
  const { asked } = await running.waitFor(
    "companionGone",
    ({ command }) => String(command).endsWith(" b"),
  );
  assertEquals([asked, runs("a"), runs("b")], [true, 1, 1]);
});

Deno.test("a touched file ends a daemon, which is started again", async () => {
  const { master } = await readyMaster({
    ini: `${INI}\nattach-daemon2 = cmd=exec sleep 1000,touch=%DIR%/again`,
    files: HELLO,
  });
  await using running = master;
  const { pid } = await running.waitFor("companionStarted");
  running.touch("again");
  await running.waitFor("companionStarted", (fields) => fields.pid !== pid);
});

Deno.test("a smart daemon is found by its pidfile, started when it is gone, and outlives the master", async () => {
  const options = {
    ini: `${INI}\nsmart-attach-daemon2 = %DIR%/smart.pid exec sleep 1000 >/dev/null 2>&1`,
    files: HELLO,
  };
  const { master } = await readyMaster(options);
  const first = await (async () => {
    await using running = master;
    const { pid } = await running.waitFor("companionStarted");
    Deno.kill(Number(pid), "SIGKILL");
    await running.waitFor("companionGone");
    const again = await running.waitFor("companionStarted", (fields) => fields.pid !== pid);
    assertEquals(Deno.readTextFileSync(running.path("smart.pid")), `${again.pid}\n`);
    running.signal("SIGHUP");
    await running.waitFor("accepting", ({ generation }) => generation === 2);
    assertEquals(await running.stop(), 0);
    assert(isThere(Number(again.pid)));
    Deno.kill(Number(again.pid), "SIGKILL");
    return Number(again.pid);
  })();
  assert(first > 1);
});

Deno.test("a smart daemon that runs already is not started, and a stranger's pidfile does not count", async () => {
  const sleeper = new Deno.Command("sleep", { args: ["1000"] }).spawn();
  try {
    const old = new Date(Date.now() - 3_600_000);
    const running = startMaster({
      ini: `${INI}
smart-attach-daemon2 = %DIR%/known.pid echo known started
smart-attach-daemon = %DIR%/left.pid sh daemon.sh %DIR%/left.pid`,
      files: {
        ...HELLO,
        "known.pid": `${sleeper.pid}`,
        "left.pid": `${sleeper.pid}`,
        "daemon.sh": `setsid sh -c 'echo $$ >"$0"; exec sleep 1000' "$1" >/dev/null 2>&1 &`,
      },
    });
    Deno.utimeSync(running.path("left.pid"), old, old);
    await using master = running;
    await master.waitFor("companionStranger", ({ pid }) => pid === sleeper.pid);
    const known = await master.waitFor("companionStarted", ({ pid }) => pid === sleeper.pid);
    assertStringIncludes(String(known.command), "known");
    const fresh = await master.waitFor("companionStarted", ({ pid }) => pid !== sleeper.pid);
    assertEquals(await master.stop(), 0);
    assert(!master.stdout.includes("known started"));
    assert(isThere(Number(fresh.pid)));
    Deno.kill(Number(fresh.pid), "SIGKILL");
  } finally {
    sleeper.kill("SIGKILL");
    await sleeper.status;
  }
});

Deno.test("a daemon below a shell finishes its work, although the shell dies of the signal at once", async () => {
  const { master } = await readyMaster({
    ini: `${INI}\nattach-daemon = sh daemon.sh; true`,
    files: {
      ...HELLO,
      "daemon.sh": `trap 'sleep 0.3; echo finished; exit' TERM\necho complete
while true; do sleep 0.05; done`,
    },
  });
  await using running = master;
  await settled(running);
  assertEquals(await running.stop(), 0);
  assert(running.stdout.includes("finished"));
  assert(!running.events.some(({ event }) => event === "companionKilled"));
});

Deno.test("nothing is left of daemons, when their watcher was killed before the master is", async () => {
  const { master } = await readyMaster({
    ini: `${INI}\nattach-daemon = sh daemon.sh\nattach-daemon = trap "" TERM; exec sleep 1000`,
    files: { ...HELLO, "daemon.sh": REPORT },
  });
  await using running = master;
  await settled(running);
  const isWatcher = (pid: number) =>
    Deno.readTextFileSync(`/proc/${pid}/cmdline`).includes("read -r sign group");
  const watcher = running.processes().find(isWatcher) ?? 0;
  assert(watcher > 0, "no watcher");
  Deno.kill(watcher, "SIGKILL");
  await running.waitFor("companionWatcherGone");
  running.signal("SIGKILL");
  await running.exitCode();
  const deadline = performance.now() + 30_000;
  while (running.processes().length > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assertEquals(running.processes(), []);
});
