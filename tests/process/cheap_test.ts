/** `ctl cheap` and the letter C, for instances without any option of scaling. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { getText, getUnix } from "../helpers/http.ts";
import { duwsgi } from "../helpers/program.ts";
import { readyMaster, type RunningMaster } from "../helpers/running_master.ts";

const FILES = { "app.ts": { fixture: "workers/hello.ts" } };

async function start(ini: string) {
  const { master, addresses } = await readyMaster({
    ini: `deno-worker-override = app.ts\nmaster-fifo = %DIR%/fifo\n${ini}`,
    files: FILES,
  });
  return { master, address: addresses[0] ?? "" };
}

function ctl(running: RunningMaster, ...args: string[]) {
  return duwsgi(["ctl", ...args, "--pid", String(running.pid)]);
}

/** Waits until only the master is left. */
async function untilAlone(running: RunningMaster): Promise<void> {
  await running.until(() => running.processes().length === 1, "master without workers");
}

for (const ini of ["processes = 1", "processes = 2", "processes = 2\nreuse-port = false"]) {
  const name = `a connection wakes an instance after ctl cheap, also after exec: ${ini}`;
  Deno.test(name.replaceAll("\n", ", "), async () => {
    const { master, address } = await start(`http-socket = 127.0.0.1:0\n${ini}`);
    await using running = master;
    assertEquals((await ctl(running, "cheap")).code, 0);
    await untilAlone(running);
    const { stdout } = await ctl(running, "status");
    assertStringIncludes(stdout, "Cheap: no worker runs until a connection comes");
    assertStringIncludes(await getText(`http://${address}`), '"worker"');
    await running.until(async () => {
      const { cheap, slots } = JSON.parse((await ctl(running, "status", "--json")).stdout);
      return !cheap &&
        slots.every(({ workers }: { workers: { state: string }[] }) =>
          workers.some(({ state }) => state === "accepting")
        );
    }, "all workers");
    await Deno.writeTextFile(running.path("fifo"), "C", { create: false });
    await untilAlone(running);
    // Neither a reload nor another program wakes it.
    assertEquals((await ctl(running, "reload", "--wait")).code, 0);
    assertEquals(running.processes().length, 1);
    assertEquals((await ctl(running, "exec", "--wait")).code, 0);
    assert(JSON.parse((await ctl(running, "status", "--json")).stdout).cheap);
    assertStringIncludes(await getText(`http://${address}`), '"worker"');
  });
}

Deno.test("a connection to a Unix socket wakes an instance after ctl cheap, and scale holds then", async () => {
  const { master } = await start("socket = %DIR%/app.sock\nprocesses = 2");
  await using running = master;
  assertEquals((await ctl(running, "cheap")).code, 0);
  await untilAlone(running);
  assertEquals((await ctl(running, "scale", "3")).code, 0);
  assertEquals(running.processes().length, 1);
  assert((await getUnix(running.path("app.sock"))).includes('"worker":'));
  await running.until(() => running.acceptingPids().size === 3, "three workers");
});

Deno.test("cheap is refused in one line where nobody could notice a connection", async () => {
  const { master, addresses } = await readyMaster({
    ini: "deno-worker-override = app.ts\nhttp-socket = 127.0.0.1:0",
    files: FILES,
    permissions: ["-A", "--deny-ffi"],
  });
  await using running = master;
  const { code, stderr } = await ctl(running, "cheap");
  assertEquals(code, 2);
  assertEquals(
    stderr,
    "duwsgi: cheap is not possible: it needs foreign functions to notice the next connection " +
      "(allow them with --allow-ffi)\n",
  );
  assertStringIncludes(await getText(`http://${addresses[0]}`), '"worker"');
});
