import { assert, assertEquals, assertMatch } from "@std/assert";
import { readyMaster, type RunningMaster, startMaster } from "../helpers/running_master.ts";

const HELLO = { "app.ts": { fixture: "workers/hello.ts" } };
const INI = "http-socket = 127.0.0.1:0\nprocesses = 2\ndeno-worker-override = app.ts";

/** What ps(1) shows of a process: its command line and its short name. */
function names(pid: number): readonly [string, string] {
  const line = Deno.readTextFileSync(`/proc/${pid}/cmdline`).replace(/\0+$/, "");
  return [line, Deno.readTextFileSync(`/proc/${pid}/comm`).trim()];
}

function workerPids(master: RunningMaster): number[] {
  const pids = master.acceptingPids();
  return [pids.get(1) ?? 0, pids.get(2) ?? 0];
}

Deno.test("processes are called what the options of names say", async () => {
  const cases = [
    ["auto-procname = true", "duwsgi master", "duwsgi worker 1"],
    ["procname = app", "app", "app"],
    ["procname = app\nprocname-master = boss", "boss", "app"],
    ["procname-prefix-spaced = shop", "shop duwsgi master", "shop duwsgi worker 1"],
    [
      "procname-append = @blue\nprocname-prefix = x:",
      "x:duwsgi master@blue",
      "x:duwsgi worker 1@blue",
    ],
    [`procname-master = ${"é".repeat(3000)}`, null, null],
  ] as const;
  for (const [ini, masterName, workerName] of cases) {
    const { master } = await readyMaster({ ini: `${INI}\n${ini}`, files: HELLO });
    await using running = master;
    const [worker = 0] = workerPids(running);
    if (masterName === null) {
      assertMatch(names(running.pid)[0], /^é{20,2999}\ufffd?$/);
      // A worker that has no name of its own keeps its command line.
      assertMatch(names(worker)[0], /preload\.[jt]s/);
      continue;
    }
    assertEquals(names(running.pid), [masterName, masterName.slice(0, 15)], ini);
    assertEquals(names(worker), [workerName, workerName.slice(0, 15)], ini);
  }
});

Deno.test("limits and the nice value hold for master and workers, in every thread", async () => {
  const { master } = await readyMaster({
    ini: `${INI}
max-fd = 1000
limit-nproc = 4000
limit-as = 262144
prio = 7`,
    files: HELLO,
  });
  await using running = master;
  for (const pid of [running.pid, ...workerPids(running)]) {
    const limits = Deno.readTextFileSync(`/proc/${pid}/limits`);
    assertMatch(limits, /^Max open files +1000 +1000 /m);
    assertMatch(limits, /^Max processes +4000 +4000 /m);
    assertMatch(limits, /^Max address space +274877906944 +274877906944 /m);
    for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
      const stat = Deno.readTextFileSync(`/proc/${pid}/task/${name}/stat`);
      assertEquals(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16], "7", "nice value");
    }
  }
});

Deno.test("cpu-affinity binds each worker to its CPUs, in every thread, and the master to none", async () => {
  const allowed = (path: string) =>
    /^Cpus_allowed_list:\s*(.*)$/m.exec(Deno.readTextFileSync(path))?.[1] ?? "";
  const before = allowed("/proc/self/status");
  const { master } = await readyMaster({ ini: `${INI}\ncpu-affinity = 1`, files: HELLO });
  await using running = master;
  assertEquals(allowed(`/proc/${running.pid}/status`), before);
  const cpus = workerPids(running).map((pid) => {
    const threads = [...Deno.readDirSync(`/proc/${pid}/task`)];
    const own = new Set(threads.map(({ name }) => allowed(`/proc/${pid}/task/${name}/status`)));
    assertEquals(own.size, 1);
    return [...own][0] ?? "";
  });
  for (const cpu of cpus) assertMatch(cpu, /^\d+$/);
  assert(/^\d+$/.test(before) || cpus[0] !== cpus[1], "two workers, two CPUs");
});

Deno.test("a limit that is out of reach or makes no sense is refused with file and line", async () => {
  const cases = [
    ["limit-as = 512", /"limit-as" at .*app\.ini:6 expects .*Deno reserves/],
    ["max-fd = 999999999", /max-fd \(.*app\.ini:6\).*Operation not permitted/],
  ] as const;
  for (const [ini, expected] of cases) {
    await using running = startMaster({ ini: `${INI}\n${ini}`, files: HELLO });
    assertEquals(await running.exitCode(), 2);
    assertMatch(running.output.join("\n"), expected);
  }
});
