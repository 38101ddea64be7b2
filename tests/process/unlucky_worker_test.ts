/** Workers that have no descriptors or permissions left still do what their master says. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { duwsgi } from "../helpers/program.ts";
import { readyMaster, type RunningMaster, startMaster } from "../helpers/running_master.ts";

/** `/leak` takes all descriptors, `/revoke` gives permissions up; the answer is who has done so. */
const APP = `import uwsgi from "uwsgi";
const kept: Deno.FsFile[] = [];
uwsgi.serve((request) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/leak") {
    try {
      while (true) kept.push(Deno.openSync("/dev/null"));
    } catch {
      // There are no more.
    }
  }
  for (const name of pathname === "/revoke" ? ["net", "read", "write", "ffi"] as const : []) {
    Deno.permissions.revokeSync({ name });
  }
  return new Response(String(Deno.pid));
});`;

const INI = `processes = 2
touch-chain-reload = %DIR%/reload
touch-reload = %DIR%/reload-all
worker-reload-mercy = 5
deno-worker-override = app.ts`;

function directories(running: RunningMaster): string[] {
  return [...Deno.readDirSync(running.directory)].map(({ name }) => name)
    .filter((name) => name.startsWith("duwsgi-"));
}

/** Has every worker do something. */
async function inEach(running: RunningMaster, address: string, path: string): Promise<void> {
  const done = new Set<number>();
  const all = [...running.acceptingPids().values()];
  await running.until(async () => {
    // Whoever has no descriptors left accepts nothing, and its queue waits.
    const signal = AbortSignal.timeout(500);
    const answer = await fetch(`http://${address}${path}`, {
      signal,
      headers: { connection: "close" },
    })
      .then((response) => response.text(), () => "");
    if (answer !== "") done.add(Number(answer));
    return all.every((pid) => done.has(pid));
  }, `${path} in each worker`);
}

/** A killed worker is replaced, every reload works, and the master's directory is what it was. */
async function livesOn(running: RunningMaster, address: string): Promise<void> {
  const [[slot, pid] = [0, 0]] = running.acceptingPids();
  const before = directories(running);
  const from = running.events.length;
  Deno.kill(pid, "SIGKILL");
  await running.waitFor("accepting", ({ worker }) => worker === slot, from);
  const told = () => running.events.slice(from).map(({ message }) => message).join("\n");
  assertEquals((await running.reload()).outcome, "done", told());
  assertEquals((await running.reload(() => running.signal("SIGHUP"))).outcome, "done");
  assertEquals((await duwsgi(["ctl", "--pid", String(running.pid), "status"])).code, 0);
  assertEquals(Number(await getText(`http://${address}/`)) > 1, true);
  assertEquals(directories(running), before);
}

/** Every way to replace workers, after each of them has done what the path says. */
async function leaveWithout(path: string): Promise<void> {
  const ini = `http-socket = 127.0.0.1:0\nmax-fd = 256\n${INI}`;
  const { master, addresses: [address = ""] } = await readyMaster({
    ini,
    files: { "app.ts": APP },
  });
  await using running = master;
  const before = directories(running);
  const ways: readonly (() => void)[] = [
    () => running.touch("reload"),
    () => running.touch("reload-all"),
    () => {
      running.writeIni(`${ini}\nstats = %DIR%/stats`);
      running.signal("SIGHUP");
    },
  ];
  for (const ask of ways) {
    await inEach(running, address, path);
    const old = [...running.acceptingPids().values()];
    assertEquals((await running.reload(ask)).outcome, "done");
    await running.until(() => old.every((pid) => !running.processes().includes(pid)), "end");
    assertEquals(directories(running), before);
  }
  await livesOn(running, address);
  assertEquals(await running.stop(), 0);
}

Deno.test("workers without descriptors leave, and the master's directory stays", () =>
  leaveWithout("/leak"));

Deno.test("workers that gave up permissions leave, and the master's directory stays", () =>
  leaveWithout("/revoke"));

Deno.test("more sockets and workers than open files are one line, and leave nothing behind", async () => {
  const sockets = Array.from({ length: 36 }, () => "http-socket = 127.0.0.1:0").join("\n");
  await using running = startMaster({
    ini: `${sockets}\nprocesses = 6\nmax-fd = 256\ndeno-worker-override = app.ts`,
    files: { "app.ts": APP },
  });
  assertEquals(await running.exitCode(), 2);
  // The helper also has the reason of a failed start as a line of the terminal.
  const others = running.events.filter(({ event }) => event !== "startFailed");
  const lines = [...others.map(({ message }) => message), ...running.output];
  assertEquals(lines.length, 1, lines.join("\n"));
  assertStringIncludes(lines[0] ?? "", "36 sockets and 6 workers take ");
  assertStringIncludes(lines[0] ?? "", " open files, and the limit is 256: set max-fd to more");
});

Deno.test("workers that inherit most of their descriptors are replaced as any other", async () => {
  const sockets = Array.from({ length: 26 }, () => "http-socket = 127.0.0.1:0").join("\n");
  const { master, addresses: [address = ""] } = await readyMaster({
    ini: `${sockets}\nmax-fd = 256\n${INI.replace("processes = 2", "processes = 6")}`,
    files: { "app.ts": APP },
  });
  await using running = master;
  await livesOn(running, address);
  assertEquals(await running.stop(), 0);
});
