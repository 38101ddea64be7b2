/** Reloads that cannot even begin: a line in the log, a verdict, and the instance goes on. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { duwsgi, MAIN } from "../helpers/program.ts";
import { readyMaster, type RunningMaster } from "../helpers/running_master.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";

const APP = `import uwsgi from "uwsgi";
uwsgi.serve(() => new Response("ok"));`;

const INI = `http-socket = 127.0.0.1:0
processes = 2
attach-daemon = sleep 1000
deno-worker-override = %DIR%/app.ts`;

/** Ends the conversation with a verdict, and serves. */
async function isRefused(
  running: RunningMaster,
  address: string | undefined,
  reason: string,
): Promise<void> {
  const verdict = await running.reload(() => running.signal("SIGHUP"));
  assertEquals(verdict.outcome, "failed");
  const said = running.events.map(({ message }) => message).filter((one) => one.includes(reason));
  assertEquals(said.length > 0, true, `${reason} in ${JSON.stringify(running.events.slice(-5))}`);
  const exec = await duwsgi(["ctl", "--pid", String(running.pid), "exec", "--wait"]);
  assertStringIncludes(exec.stdout + exec.stderr, reason);
  assertEquals(exec.code !== 0 && exec.code !== 13, true, exec.stderr);
  assertEquals(await getText(`http://${address}/`), "ok");
}

/** A worker that was killed is there again, and a reload goes through. */
async function livesOn(running: RunningMaster, address: string | undefined): Promise<void> {
  const [[slot, pid] = [0, 0]] = running.acceptingPids();
  const from = running.events.length;
  Deno.kill(pid, "SIGKILL");
  await running.waitFor("accepting", ({ worker }) => worker === slot, from);
  const { outcome } = await running.reload(() => running.signal("SIGHUP"));
  const told = running.events.slice(from).map(({ message }) => message).join("\n");
  assertEquals(outcome, "done", told);
  assertEquals(await getText(`http://${address}/`), "ok");
  assertEquals(running.count("uncaught"), 0, told);
  assertEquals(running.output, []);
}

Deno.test("a reload without Deno's binary fails, and one with it goes through", async () => {
  using place = new TempDirectory();
  const deno = place.at("deno");
  Deno.copyFileSync(Deno.execPath(), deno);
  const { master, addresses: [address] } = await readyMaster({
    ini: INI,
    files: { "app.ts": APP },
    program: { deno, main: MAIN },
  });
  await using running = master;
  Deno.renameSync(deno, `${deno}.old`);
  await isRefused(running, address, "The new program cannot be started for its check");
  Deno.renameSync(`${deno}.old`, deno);
  await livesOn(running, address);
  assertEquals(await running.stop(), 0);
});

Deno.test("an instance whose start directory is gone reloads, respawns and replaces its program", async () => {
  using place = new TempDirectory();
  for (const chdir of ["%DIR%", ""]) {
    const start = place.at("start");
    Deno.mkdirSync(start);
    const ini = `${INI}${chdir === "" ? "" : `\nchdir = ${chdir}`}`;
    const { master, addresses: [address] } = await readyMaster({
      ini,
      files: { "app.ts": APP },
      launcher: ["env", "-C", start],
    });
    await using running = master;
    Deno.removeSync(start);
    await livesOn(running, address);
    // Which replaces the program.
    running.writeIni(`${ini}\nstats = %DIR%/stats`);
    await livesOn(running, address);
    const [daemon = {}] = running.events.filter(({ event }) => event === "companionStarted")
      .slice(-1).map(({ fields }) => fields);
    const cwd = Deno.realPathSync(`/proc/${daemon.pid}/cwd`);
    assertEquals(cwd, chdir === "" ? "/" : Deno.realPathSync(running.directory));
    assertEquals(running.count("workingDirectoryGone") > 0, chdir === "");
    assertEquals(await running.stop(), 0);
  }
});

Deno.test("a reload without descriptors fails, and goes through when there are some", async () => {
  const { master, addresses: [address] } = await readyMaster({
    ini: INI,
    files: { "app.ts": APP },
  });
  await using running = master;
  await running.waitFor("companionStarted");
  // What reloads take is loaded by now: Deno does not load again what could not be loaded once.
  await livesOn(running, address);
  const pid = String(running.pid);
  const limit = async (nofile: string) => {
    const { success } = await new Deno.Command("prlimit", {
      args: ["--pid", pid, `--nofile=${nofile}`],
    })
      .output();
    assertEquals(success, true);
  };
  // What is open stays open, and nothing more can be.
  await limit("10:");
  const verdict = await running.reload(() => running.signal("SIGHUP"));
  assertEquals(verdict.outcome, "failed");
  assertEquals(await getText(`http://${address}/`), "ok");
  await limit("1024:");
  await livesOn(running, address);
  assertEquals(await running.stop(), 0);
});
