/** The stats server, with real clients, polite ones and others. */
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { readyMaster, startMaster } from "../helpers/running_master.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";
import {
  connectTo,
  readAll,
  readAsUwsgitop,
  readStats,
  statsAddresses,
  total,
} from "../helpers/stats.ts";

const APP = `import uwsgi from "uwsgi";
uwsgi.serve((request) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/throw") throw new Error("as asked");
  if (pathname === "/block") for (const end = Date.now() + 2_000; Date.now() < end;);
  if (pathname === "/wait") {
    return new Promise((done) => request.signal.onabort = () => done(new Response()));
  }
  return new Response("hello", { status: Number(pathname.slice(1)) || 200 });
}, { onError: () => new Response("sorry", { status: 503 }) });`;

const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

Deno.test("the stats are told over TCP, a Unix socket and an abstract one, as uwsgitop reads them", async () => {
  // A name that ends like a port, and a path that a master which was killed has left.
  const name = `@duwsgi-test-${crypto.randomUUID()}:80`;
  using directory = new TempDirectory();
  const path = directory.at("stats.sock");
  Deno.listen({ transport: "unix", path }).close();
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
socket = %DIR%/app.sock
processes = 2
stats = 127.0.0.1:0
stats-server = ${path}
stats = ${name}
chmod-socket = 600
vacuum = true
cron = -1 -5 -1 -1 -1 true
attach-daemon = sleep 1000
deno-worker-override = app.ts`,
    files: { "app.ts": APP },
  });
  await using running = master;
  const places = statsAddresses(running);
  assertEquals(places.slice(1), [path, name]);
  assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
  const url = `http://${addresses[0]}`;
  for (const path of ["/", "/", "/404", "/301", "/throw"]) await getText(url + path);
  const end = new AbortController();
  const waiting = fetch(`${url}/wait`, { signal: end.signal }).catch(() => null);
  await running.until(
    async () => (await readStats(places[0] ?? "")).in_flight === 1,
    "request at work",
  );
  for (const place of places) {
    const stats = await readStats(place);
    assertEquals(readAsUwsgitop(stats).length, 2);
    assertEquals(total(stats, ({ requests }) => requests), 6);
    assertEquals(total(stats, ({ exceptions }) => exceptions), 1);
    assertEquals(total(stats, ({ tx }) => tx), 25);
    assertEquals(total(stats, ({ cores }) => cores[0]?.in_request ?? 0), 1);
    assertEquals(total(stats, ({ latency }) => latency.buckets.reduce((a, b) => a + b)), 5);
    assertEquals(
      (["1xx", "2xx", "3xx", "4xx", "5xx"] as const).map((kind) =>
        total(stats, ({ responses }) => responses[kind])
      ),
      [0, 2, 1, 1, 1],
    );
    assert(stats.workers.every(({ rss, vsz, lag_us }) => rss > 1e7 && vsz > rss && lag_us >= 0));
    assert(stats.workers.every(({ last_spawn }) => Math.abs(Date.now() / 1000 - last_spawn) < 60));
    assertEquals(stats.sockets.map((socket) => [socket.name, socket.proto, socket.queues]), [
      [addresses[0], "http", 2],
      [running.path("app.sock"), "http", 1],
    ]);
    assertEquals([stats.pid, stats.cwd, stats.phase], [running.pid, running.directory, "running"]);
    assertEquals(stats.crons?.[0]?.command, "true");
    assertEquals(stats.daemons?.[0]?.cmd, "sleep 1000");
    assert((stats.daemons?.[0]?.pid ?? 0) > 0);
  }
  end.abort();
  await waiting;
  // A worker that is blocked cannot say how late it is, and is not waited for.
  const blocking = getText(`${url}/block`);
  await running.until(
    async () => (await readStats(path)).workers.some(({ lag_us }) => lag_us > 200_000),
    "late event loop",
  );
  await blocking;
  assertEquals(await running.stop(), 0);
  assertThrows(() => Deno.lstatSync(path), Deno.errors.NotFound);
});

Deno.test("stats-http answers requests, and a reload changes what is told", async () => {
  const ini = (more: string) =>
    `http-socket = 127.0.0.1:0
stats = %DIR%/stats.sock
chain-reload-verify = 0
${more}
deno-worker-override = app.ts`;
  const { master } = await readyMaster({
    ini: ini("stats-http = true"),
    files: { "app.ts": APP },
  });
  await using running = master;
  const path = running.path("stats.sock");
  const answer = await readAll(path, GET);
  assertMatch(answer, /^HTTP\/1\.1 200 OK\r\nContent-Type: application\/json\r\n/);
  const [head = "", body = ""] = answer.split("\r\n\r\n");
  assertStringIncludes(head, `Content-Length: ${body.length}`);
  assert(!/access-control/i.test(head), "pages of other origins may not read it");
  readAsUwsgitop(JSON.parse(body));
  assertStringIncludes(body, '\n\t"workers": [');
  assertMatch(await readAll(path, GET.replace("GET", "HEAD")), /^HTTP\/1\.1 200 [^]*\r\n\r\n$/);
  assertMatch(await readAll(path, GET.replace("GET", "POST")), /^HTTP\/1\.1 405 [^]*Allow: GET/);
  assertMatch(await readAll(path, "\0\x01\r\n\r\n"), /^HTTP\/1\.1 400 /);
  assertMatch(await readAll(path, "x".repeat(20_000)), /^HTTP\/1\.1 400 /);
  running.writeIni(ini("stats-minified = true\nstats-no-cores = true"));
  running.signal("SIGHUP");
  assertEquals((await running.waitFor("reloadFinished")).outcome, "done");
  const text = await readAll(path);
  assertMatch(text, /^\{"version":/);
  assert(!text.includes("\n") && !text.includes("cores"));
});

Deno.test("nothing that clients of the stats do keeps the master from its work", async () => {
  const { master, addresses } = await readyMaster({
    // Many slots, so that the document is larger than what a socket's buffers take.
    ini: `socket = %DIR%/app.sock
processes = 400
cheaper = 1
cheaper-algo = manual
stats = 127.0.0.1:0
stats = %DIR%/stats.sock
deno-worker-override = app.ts`,
    files: { "app.ts": APP },
  });
  await using running = master;
  assertEquals(addresses, [running.path("app.sock")]);
  const [tcp = "", unix = ""] = statsAddresses(running);
  const clients: Deno.Conn[] = [];
  try {
    // They read nothing, which the one on the Unix socket has to wait for.
    for (let i = 0; i < 100; i++) clients.push(await connectTo(i % 2 === 0 ? unix : tcp));
    const garbage = new TextEncoder().encode("\0garbage".repeat(10_000));
    const writing = clients.slice(50).map((client) => client.write(garbage).catch(() => 0));
    for (let deaths = 1; deaths <= 3; deaths++) {
      const before = performance.now();
      const stats = await readStats(deaths % 2 === 0 ? unix : tcp);
      assert(performance.now() - before < 5_000);
      assertEquals(readAsUwsgitop(stats).length, 400);
      assertEquals(stats.workers.filter(({ status }) => status === "cheap").length, 399);
      Deno.kill(stats.workers[0]?.pid ?? 0, "SIGKILL");
      await running.until(() => running.count("accepting") > deaths, `successor ${deaths}`);
    }
    await Promise.all(writing);
    // Who reads nothing is sent away: the rest of the document never comes.
    const first = clients[0];
    const size = await new Response(first?.readable).text().then(({ length }) => length, () => 0);
    assert(size < 300_000, `got ${size} bytes`);
  } finally {
    for (const client of clients) {
      try {
        client.close();
      } catch {
        // Read to its end, which closes it.
      }
    }
  }
});

Deno.test("an address of the stats that cannot be had is one line and the code for sockets", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  const cases: readonly (readonly [ini: string, line: RegExp])[] = [
    [`stats = 127.0.0.1:${port}`, /Cannot open stats "127.*" \(.*app\.ini:4\): address already in/],
    ["stats = %DIR%/app.ts", /Cannot open stats ".*app\.ts" \(.*\): .* is not a socket: remove it/],
    ["stats = %DIR%/a.sock", /Cannot open stats ".*a\.sock" \(.*\): .*another/],
    ["stats = @\nstats = fd://3", /stats expects|expects host:port/],
  ];
  for (const [ini, line] of cases) {
    await using running = startMaster({
      ini: `socket = %DIR%/a.sock\n${ini}\ndeno-worker-override = app.ts`,
      files: { "app.ts": APP },
    });
    const code = await running.exitCode();
    assertEquals(code, ini.includes("fd://") ? 2 : 3, running.output.join("\n"));
    assertMatch(running.output.join("\n"), line);
    const problems = running.output.filter((text) => text.startsWith("duwsgi: "));
    assertEquals(problems.length, ini.includes("fd://") ? 2 : 1, problems.join("\n"));
  }
});

Deno.test("the stats survive a replaced program: address, counts, uptime and verdicts", async () => {
  const ini = (mask: string, more = "stats = 127.0.0.1:0") =>
    `http-socket = 127.0.0.1:0
processes = 2
umask = ${mask}
chain-reload-verify = 0
worker-reload-mercy = 5
touch-chain-reload = %DIR%/touch
${more}
deno-worker-override = app.ts`;
  const { master, addresses } = await readyMaster({ ini: ini("022"), files: { "app.ts": APP } });
  await using running = master;
  const url = `http://${addresses[0]}/`;
  const [place = ""] = statsAddresses(running);
  /** The verdict on the reload that `begin` begins. */
  const reload = async (begin: () => void) => {
    const from = running.events.length;
    begin();
    return (await running.waitFor("reloadFinished", () => true, from)).outcome;
  };
  const sighup = () => reload(() => running.signal("SIGHUP"));
  for (let i = 0; i < 7; i++) await getText(url);
  assertEquals(await reload(() => running.touch("touch")), "done");
  running.write({ "app.ts": "throw new Error('no')" });
  assertEquals(await reload(() => running.touch("touch")), "rolled-back");
  running.write({ "app.ts": APP });
  // Somebody asks all the time, and is always answered.
  const end = new AbortController();
  const asking = (async () => {
    let uptime = 0;
    while (!end.signal.aborted) {
      const stats = await readStats(place);
      assert(stats.uptime_ms >= uptime, `${stats.uptime_ms} after ${uptime}`);
      uptime = stats.uptime_ms;
    }
  })();
  for (const mask of ["077", "027"]) {
    running.writeIni(ini(mask));
    assertEquals(await sighup(), "done");
  }
  end.abort();
  await asking;
  const stats = await readStats(place);
  assertEquals(stats.reloads.map(({ kind, outcome, generation }) => [kind, outcome, generation]), [
    ["workers", "done", 5],
    ["workers", "done", 4],
    ["chain", "rolled-back", 3],
    ["chain", "done", 2],
  ]);
  assert(stats.reloads.every(({ at_ms }) => Math.abs(Date.now() - at_ms) < 60_000));
  assertEquals(total(stats, ({ requests }) => requests), 7);
  assertEquals(stats.workers.map(({ respawn_count }) => respawn_count), [4, 4]);
  // Another address takes another program, and one that cannot be had no reload at all.
  running.writeIni(ini("027", "stats = %DIR%/stats.sock"));
  assertEquals(await sighup(), "done");
  const path = running.path("stats.sock");
  assertEquals((await readStats(path)).reloads.length, 5);
  await connectTo(place).then(() => assert(false, "still open"), () => {});
  running.writeIni(ini("027", "stats = %DIR%/stats.sock\nstats = %DIR%/app.ts"));
  assertEquals(await sighup(), "failed");
  assertMatch((await readStats(path)).reloads[0]?.text ?? "", /Cannot open stats .*app\.ts/);
  running.writeIni(ini("027", ""));
  assertEquals(await sighup(), "done");
  assertEquals(running.read("stats.sock"), "");
});
