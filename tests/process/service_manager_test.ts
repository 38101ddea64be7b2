/** What a service manager hears of an instance, from its start to its end. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { requireLibc } from "../../lib/system/libc.ts";
import { monotonicMicroseconds } from "../../lib/system/monotonic_clock.ts";
import { bindTcp, boundPort } from "../../lib/system/sockets/listening_socket.ts";
import { getText } from "../helpers/http.ts";
import { OwnedDescriptors } from "../helpers/owned_descriptors.ts";
import { readyMaster, type RunningMaster, startMaster } from "../helpers/running_master.ts";
import { NotifyListener, startWithSockets } from "../helpers/service_manager.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";

// Opened here, because it stays open: a test that opened it would seem to leak it.
const c = requireLibc();

const INI = `http-socket = 127.0.0.1:0
processes = 2
touch-chain-reload = reload
deno-worker-override = app.ts`;
/** The second worker of each generation waits for the file `go`. Tells its environment. */
const APP = `import uwsgi from "uwsgi";
const names = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];
while (uwsgi.worker_id() === 2 && !exists("go")) await new Promise((done) => setTimeout(done, 10));
function exists(name) {
  try { return Deno.statSync(name).isFile; } catch { return false; }
}
uwsgi.serve(() => Response.json(names.map((name) => Deno.env.get(name) ?? null)));`;

/** Waits until this was said, in this order, and nothing else. */
async function heard(running: RunningMaster, manager: NotifyListener, words: readonly string[]) {
  await running.until(() => manager.words.length >= words.length, words.join());
  assertEquals(manager.words, words);
}

Deno.test("start, reload, failed reload and stop are told in order", async () => {
  using directory = new TempDirectory();
  const path = directory.at("notify");
  await using manager = new NotifyListener(path);
  await using running = startMaster({
    ini: INI,
    files: { "app.ts": APP },
    env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: "10000000", WATCHDOG_PID: "1" },
  });
  const status = (text: string) =>
    running.until(() => manager.statuses.at(-1)?.startsWith(text) ?? false, text);
  await status("Starting: 1 of 2 workers accept");
  assertEquals(manager.words, []);
  running.touch("go");
  const said = ["READY", "MAINPID"];
  await heard(running, manager, said);
  assertEquals(manager.messages.at(-1), {
    READY: "1",
    MAINPID: String(running.pid),
    STATUS: "2 of 2 workers accept, generation 1",
  });
  const { sockets } = await running.waitFor("ready");
  assertEquals(await getText(`http://${(sockets as string[])[0]}/`), "[null,null,null]");

  const before = monotonicMicroseconds(c);
  running.signal("SIGHUP");
  await heard(running, manager, [...said, "RELOADING", "READY"]);
  const { MONOTONIC_USEC } = manager.messages.find((message) => message.RELOADING === "1") ?? {};
  const at = BigInt(MONOTONIC_USEC ?? 0);
  assert(before <= at && at <= monotonicMicroseconds(c), `${before} ${at}`);
  await status("2 of 2 workers accept, generation 2");

  running.write({ "app.ts": "throw new Error('broken');" });
  running.touch("reload");
  await heard(running, manager, [...said, "RELOADING", "READY", "RELOADING", "READY"]);
  assert(manager.statuses.includes("Reloading: slot 1 of 2"));
  const last = manager.statuses.at(-1) ?? "";
  assertStringIncludes(last, "Last reload failed: worker 1 exited with code 1");
  assertStringIncludes(last, "broken");

  running.writeIni("no-such-option = 1");
  running.signal("SIGHUP");
  await running.until(() => manager.words.length >= 8, "READY after the configuration failed");
  assertStringIncludes(manager.statuses.at(-1) ?? "", "the configuration has errors");

  assertEquals(await running.stop(), 0);
  assertEquals(manager.words.slice(-3), ["RELOADING", "READY", "STOPPING"]);
  assertEquals(manager.statuses.at(-1), "Stopping");
  // The process that is watched is another one.
  assertEquals(manager.watchdogCalls, 0);
});

Deno.test("the watchdog is called while a reload takes its time, at an abstract address", async () => {
  const name = `duwsgi-test-${crypto.randomUUID()}`;
  await using manager = new NotifyListener(`\0${name}`);
  const { master } = await readyMaster({
    ini: INI,
    files: { "app.ts": APP, go: "" },
    env: { NOTIFY_SOCKET: `@${name}`, WATCHDOG_USEC: "200000" },
  });
  await using running = master;
  Deno.removeSync(running.path("go"));
  running.touch("reload");
  await running.until(() => manager.statuses.includes("Reloading: slot 2 of 2"), "second slot");
  const calls = manager.watchdogCalls;
  await running.until(() => manager.watchdogCalls >= calls + 5, "calls during the reload");
  assert(!manager.statuses.includes("2 of 2 workers accept, generation 2"));
  running.touch("go");
  await heard(running, manager, ["READY", "MAINPID", "RELOADING", "READY"]);
  assertEquals(await running.stop(), 0);
});

Deno.test("a master whose program is replaced goes on with its service manager and its sockets", async () => {
  using directory = new TempDirectory();
  using owned = new OwnedDescriptors();
  const { libc } = owned;
  const path = directory.at("notify");
  await using manager = new NotifyListener(path);
  const tcp = { host: "127.0.0.1", port: 0, reusePort: false, keepalive: false };
  const fds = [1, 2].map(() => owned.listen(owned.own(bindTcp(libc, tcp))));
  const ini = (mask: string) =>
    `umask = ${mask}\nsocket = fd://web\nchain-reload-verify = 0\ndeno-worker-override = app.ts`;
  await using running = startWithSockets(
    {
      ini: ini("022"),
      files: { "app.ts": APP },
      env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: "200000" },
    },
    fds,
    ":web",
  );
  const words = ["READY", "MAINPID"];
  await heard(running, manager, words);
  for (const mask of ["027", "077"]) {
    const from = running.events.length;
    running.writeIni(ini(mask));
    running.signal("SIGHUP");
    await running.waitFor("reloadFinished", ({ outcome }) => outcome === "done", from);
    words.push("RELOADING", "READY");
    await heard(running, manager, words);
    const calls = manager.watchdogCalls;
    await running.until(() => manager.watchdogCalls > calls + 1, "call of the watchdog");
    for (const fd of fds) {
      const text = await getText(`http://127.0.0.1:${boundPort(libc, fd)}/`);
      assertEquals(text, "[null,null,null]");
    }
  }
  const replaced = running.events.filter(({ message }) =>
    message.includes("the master's program was replaced")
  );
  assertEquals(replaced.length, 2);
  assertEquals(await running.stop(), 0);
  assertEquals(manager.words, [...words, "STOPPING"]);
});

Deno.test("why an instance cannot start is told with error number and exit code", async () => {
  using directory = new TempDirectory();
  await using manager = new NotifyListener(directory.at("notify"));
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const env = { NOTIFY_SOCKET: directory.at("notify") };
  const script = "deno-worker-override = app.ts";
  const cases: readonly [ini: string, text: string, expected: readonly unknown[]][] = [
    [`socket = 127.0.0.1:${taken.addr.port}`, "address already in use", ["3", "98"]],
    ["socket = 127.0.0.1:0", "nothing to serve", ["4", undefined]],
  ];
  for (const [ini, text, expected] of cases) {
    await using running = startMaster({
      ini: `${ini}\n${script}`,
      files: { "app.ts": "throw new Error('broken');" },
      env,
    });
    assertEquals(await running.exitCode(), Number(expected[0]));
    await running.until(() => manager.statuses.at(-1)?.includes(text) ?? false, text);
    const { EXIT_STATUS, ERRNO } = manager.messages.at(-1) ?? {};
    assertEquals([EXIT_STATUS, ERRNO], expected);
  }
});

Deno.test("a service manager that cannot be reached is one warning, and nothing else", async () => {
  using directory = new TempDirectory();
  for (const address of [directory.at("nobody"), "vsock:2:1"]) {
    const { master, addresses } = await readyMaster({
      ini: INI,
      files: { "app.ts": APP, go: "" },
      env: { NOTIFY_SOCKET: address },
    });
    await using running = master;
    await getText(`http://${addresses[0]}/`);
    running.touch("reload");
    await running.waitFor("reloadFinished", ({ outcome }) => outcome === "done");
    assertEquals(await running.stop(), 0);
    const warnings = running.events.filter(({ event }) => event === "notNotified");
    assertEquals(warnings.length, 1, JSON.stringify(warnings));
  }
});
