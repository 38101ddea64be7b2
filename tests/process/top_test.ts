import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Stats } from "../../lib/stats/stats.ts";
import { busyDocument } from "../helpers/busy_instance.ts";
import { duwsgi, MAIN } from "../helpers/program.ts";
import { readyMaster } from "../helpers/running_master.ts";
import { FakeStatsServer } from "../helpers/stats_server.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";
import { TestTerminal } from "../helpers/terminal.ts";
import { uwsgiDocument } from "../helpers/uwsgi_document.ts";

/** How the program is started in a shell. */
function topCommand(...args: readonly string[]): string {
  return `'${Deno.execPath()}' run -A '${MAIN}' top ${args.join(" ")}`;
}

/** What an instance of so many busy workers says of itself from now on. */
function busyInstance(workers: number, changes: Partial<Stats> = {}): () => string {
  const begin = performance.now();
  return () => JSON.stringify(busyDocument((performance.now() - begin) / 1000, workers, changes));
}

/** The modes of a terminal, and where it is. */
async function modesOf(terminal: TestTerminal): Promise<string> {
  return (await terminal.run("stty -a; tty")).join("\n");
}

Deno.test("top shows an instance, does what keys say, and gives the terminal back", async () => {
  using server = new FakeStatsServer(busyInstance(30));
  await using terminal = new TestTerminal(80, 24);
  const modes = await modesOf(terminal);
  await terminal.type(`${topCommand(server.address, "-i", "0.2")}; echo code-$?\r`);
  await terminal.see("Workers 30 of 30 accept");
  assert(terminal.taken);
  await terminal.see(/^ +2 +1002 accepting +2 +[12]\d /m);
  assertStringIncludes(terminal.lines[23] ?? "", "q quit");
  // Sorted by requests per second, and the other way round.
  await terminal.type("ssss");
  await terminal.see(/REQ\/S▼[^]*\n 30 1030 /);
  await terminal.type("r");
  await terminal.see(/REQ\/S▲[^]*\n {2}1 1001 /);
  await terminal.type("jj\r");
  await terminal.see("Worker 3  accepting, pid 1003");
  await terminal.see("Response times in the last");
  await terminal.type("\x1b");
  await terminal.see("Workers 30 of 30 accept");
  await terminal.type("h");
  await terminal.see("Ctrl-Z      suspend");
  await terminal.type("h");
  await terminal.type("R");
  await terminal.see("Chain reload (y/n)? 30 workers of pid 1000");
  await terminal.type("n");
  await terminal.see("Nothing was reloaded");
  await terminal.type("p");
  await terminal.see("PAUSED");
  const device = modes.split("\n").at(-1) ?? "";
  await terminal.resize(device, 40, 10);
  await terminal.see(/^ ID +STATE +REQ\/S▲ +BUSY +P99 +RSS$/m);
  assertEquals(terminal.lines.length, 10);
  await terminal.resize(device, 80, 24);
  await terminal.see(/q quit.*$/m);
  await terminal.type("q");
  await terminal.see("code-0");
  assert(!terminal.taken);
  assertEquals(await modesOf(terminal), modes);
});

Deno.test("top gives the terminal back when it is stopped, killed or interrupted, and comes back", async () => {
  using directory = new TempDirectory();
  using server = new FakeStatsServer(busyInstance(2));
  await using terminal = new TestTerminal(80, 24);
  const modes = await modesOf(terminal);
  await terminal.type(`${topCommand(server.address)}\r`);
  await terminal.see("Workers 2 of 2 accept");
  await terminal.type("\x1a");
  await terminal.see("Stopped");
  assert(!terminal.taken);
  assertEquals(await modesOf(terminal), modes);
  await terminal.type("fg\r");
  await terminal.until(() => terminal.taken, "return of top");
  await terminal.see("Workers 2 of 2 accept");
  await terminal.type("\x1a");
  await terminal.until(() => !terminal.taken, "second stop");
  await terminal.type("fg; echo code-$?\r");
  await terminal.until(() => terminal.taken, "second return of top");
  await terminal.type("\x03");
  await terminal.see("code-0");
  assert(!terminal.taken);
  // The shell tells a death by SIGTERM from an exit.
  const start = `(echo $BASHPID > ${directory.at("pid")}; exec ${topCommand(server.address)})`;
  await terminal.type(`${start}; echo code-$?\r`);
  await terminal.see("Workers 2 of 2 accept");
  Deno.kill(Number(Deno.readTextFileSync(directory.at("pid"))), "SIGTERM");
  await terminal.see("code-143");
  assert(!terminal.taken);
  // An error that nobody expected is to be read, on the screen that was there before.
  const crash = directory.write(
    "crash.ts",
    `import { Terminal } from "${new URL("../../lib/top/terminal.ts", import.meta.url)}";
    new Terminal({ onKey: () => {}, onRedraw: () => {}, onEnd: () => {} });
    setTimeout(() => Promise.reject(new Error("unexpected")), 100);`,
  );
  await terminal.type(`clear; '${Deno.execPath()}' run -A ${crash}; echo code-$?\r`);
  await terminal.see(/Error: unexpected[^]*code-1$/m);
  assert(!terminal.taken);
  assertEquals(await modesOf(terminal), modes);
});

Deno.test("top goes on when the server goes away, and says so until it is back", async () => {
  const server = new FakeStatsServer(busyInstance(2));
  const { address, port } = server;
  await using terminal = new TestTerminal(80, 24, { NO_COLOR: "1" });
  await terminal.type(`${topCommand(address, "-i", "0.2")}\r`);
  await terminal.see("Workers 2 of 2 accept");
  server[Symbol.dispose]();
  await terminal.see(`No stats from ${address}: nobody listens there; trying again`);
  using _next = new FakeStatsServer(busyInstance(5, { pid: 2000 }), { port });
  await terminal.see("Workers 5 of 5 accept");
  await terminal.type("Ry");
  await terminal.see("Cannot reload from here:");
  await terminal.type("q");
  await terminal.until(() => !terminal.taken, "end of top");
});

Deno.test("top asks the master itself, and reloads it, also when it was found by its figures", async () => {
  const { master } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
processes = 2
control-socket = %DIR%/ctl.sock
stats = %DIR%/stats.sock
deno-worker-override = app.ts`,
    files: { "app.ts": { fixture: "workers/hello.ts" } },
  });
  await using running = master;
  await using terminal = new TestTerminal(100, 24);
  await terminal.type(`${topCommand(running.path("app.ini"), "-i", "0.2")}\r`);
  await terminal.see("Workers 2 of 2 accept, generation 1");
  await terminal.type("Ry");
  await terminal.see("chain-reload was asked for");
  // The note goes by itself, and the keys are there again.
  await terminal.see(/^(?![^]*was asked for)[^]*q quit/);
  await terminal.see("Workers 2 of 2 accept, generation 2");
  await terminal.see(/^Last reload \d+s ago: /m);
  await terminal.type("q");
  await terminal.until(() => !terminal.taken, "end of top");
  // What its stats server sends names the master, and the master is on this machine.
  const stats = running.path("stats.sock");
  await terminal.type(`clear; ${topCommand(stats, "-i", "0.2")}\r`);
  await terminal.see("Workers 2 of 2 accept, generation 2");
  await terminal.type("Gy");
  await terminal.see("Workers 2 of 2 accept, generation 3");
  await terminal.type("q");
  await terminal.until(() => !terminal.taken, "end of top");
  const byPid = await duwsgi(["top", "--pid", String(running.pid), "--json", "-i", "0"]);
  const document = JSON.parse(byPid.stdout).stats;
  const { pid, generation, workers } = document;
  assertEquals([pid, generation, workers.length], [running.pid, 3, 2]);
  assertEquals(await running.stop(), 0);
});

Deno.test("top --once and --json show the figures of two looks, and end", async () => {
  using directory = new TempDirectory();
  using _unix = new FakeStatsServer(busyInstance(3), { path: directory.at("stats.sock") });
  using tcp = new FakeStatsServer(() => JSON.stringify(uwsgiDocument()));
  const table = await duwsgi(["top", directory.at("stats.sock"), "--once", "-i", "0.5"]);
  assertEquals([table.code, table.stderr], [0, ""]);
  assertMatch(table.stdout, /^duwsgi 0\.1\.0 {2}pid 1000 .*\nWorkers 3 of 3 accept/);
  assertMatch(table.stdout, /^ +3 +1003 +accepting +2 +(2\d|3\d) /m);
  assert(!table.stdout.includes("\x1b"));
  const json = await duwsgi(["top", "--json", "--interval", "0", tcp.address]);
  const { stats, interval_s, total } = JSON.parse(json.stdout);
  assertEquals([json.code, stats, interval_s], [0, uwsgiDocument(), null]);
  assertEquals(total.requests_per_second, null);
});

Deno.test("top reads what is sent by HTTP, at /stats unless another path is asked for", async () => {
  const paths: string[] = [];
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      const { pathname } = new URL(request.url);
      paths.push(pathname);
      return pathname === "/none"
        ? new Response("no", { status: 404 })
        : Response.json(busyDocument(0, 1));
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  assertEquals((await duwsgi(["top", url, "--once", "-i", "0"])).code, 0);
  assertEquals((await duwsgi(["top", `${url}/other`, "--once", "-i", "0"])).code, 0);
  // An address without http:// is asked when it has been silent for a while.
  const silent = await duwsgi(["top", url.slice("http://".length), "--once", "-i", "0"]);
  assertEquals([silent.code, silent.stderr], [0, ""]);
  const none = await duwsgi(["top", `${url}/none`, "--once"]);
  assertEquals([none.code, none.stdout], [13, ""]);
  assertStringIncludes(none.stderr, "/none answers with status 404");
  assertEquals(paths, ["/stats", "/other", "/stats", "/none"]);
  await server.shutdown();
  const nobody = await duwsgi(["top", url, "--once"]);
  assertStringIncludes(nobody.stderr, `No stats from ${url}: nobody listens there`);
});

Deno.test("top says in one line what it cannot do", async () => {
  using directory = new TempDirectory();
  using text = new FakeStatsServer(() => "220 mail.example.org ESMTP\r\n");
  using other = new FakeStatsServer(() => `{"version": "1", "pid": 3, "workers": {}}`);
  directory.write("stale.pid", "999999999\n");
  directory.write("app.ini", "[uwsgi]\nprocesses = 2\n");
  const path = directory.at("nothing.sock");
  const wrong: readonly [args: readonly string[], code: number, message: string][] = [
    [[path], 13, `No stats from ${path}: there is no such socket`],
    [[text.address], 13, "it sends what is not JSON, so it is no stats server"],
    [[other.address], 13, "is no document of a stats server: workers is an object, not a list"],
    [[directory.at("stale.pid")], 13, "No process has the id 999999999"],
    [[directory.at("app.ini")], 13, "app.ini runs here as this user: see duwsgi ctl list"],
    [["fd://3"], 2, '"fd://3" is no address: Nobody can connect to a descriptor'],
    [["127.0.0.1:"], 2, "The address has no port"],
    [["-i", "nothing"], 2, "--interval expects seconds"],
  ];
  for (const [args, code, message] of wrong) {
    const result = await duwsgi(["top", ...args, "--once"]);
    assertEquals([result.code, result.stdout], [code, ""], result.stderr);
    assertStringIncludes(result.stderr, message);
    assertEquals(result.stderr.trimEnd().split("\n").length, 1, result.stderr);
  }
  const json = await duwsgi(["top", path, "--json"]);
  assertEquals([json.code, json.stderr, JSON.parse(json.stdout).outcome], [13, "", "unreachable"]);
  assertStringIncludes((await duwsgi(["top", "--help"])).stdout, "Usage: duwsgi top");
});
