/** Limits, with real workers that exceed them. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { type MasterOptions, readyMaster, type RunningMaster } from "../helpers/running_master.ts";
import { readStats } from "../helpers/stats.ts";

/**
 * Answers `/` with its pid, and `/wait` as soon as there is a file `go`; `/slow` never, `/loop` neither,
 * and nobody else meanwhile.
 */
const APP = `import uwsgi from "uwsgi";
uwsgi.serve(async (request) => {
  const { pathname } = new URL(request.url);
  console.error("got " + pathname);
  if (pathname === "/slow") await new Promise(() => {});
  if (pathname === "/wait") {
    const there = () => Deno.stat("go").then(() => true, () => false);
    while (!await there()) await new Promise((done) => setTimeout(done, 20));
  }
  if (pathname === "/loop") while (true);
  if (pathname === "/own") uwsgi.set_user_harakiri(1);
  if (pathname === "/own-loop") { uwsgi.set_user_harakiri(1); while (true); }
  if (pathname === "/fine") { uwsgi.set_user_harakiri(1); uwsgi.set_user_harakiri(0); }
  if (pathname === "/grow") globalThis.kept = new Uint8Array(200_000_000).fill(1);
  return new Response(String(Deno.pid));
});`;

async function start(ini: string, more: Partial<MasterOptions> = {}) {
  const { master, addresses } = await readyMaster({
    ini:
      `http-socket = 127.0.0.1:0\nworker-reload-mercy = 10\n${ini}\ndeno-worker-override = app.ts`,
    files: { "app.ts": APP },
    ...more,
  });
  return { master, url: `http://${addresses[0]}` };
}

/** Sends a request that need not be answered. */
function ask(url: string): Promise<string> {
  return getText(url).catch(() => "nothing");
}

function messageOf(running: RunningMaster, event: string): string {
  return running.events.find((one) => one.event === event)?.message ?? "";
}

/** Waits until this many workers have accepted in all; no request may fail meanwhile. */
async function untilAccepted(running: RunningMaster, url: string, count: number): Promise<void> {
  await running.until(async () => {
    assertMatch(await getText(`${url}/`), /^\d+$/);
    return running.count("accepting") >= count;
  }, `worker number ${count}`);
}

Deno.test("max-requests replaces workers, and no request fails", async () => {
  const { master, url } = await start(
    "processes = 2\nmax-requests = 5\nmax-requests-delta = 3\nmin-worker-lifetime = 0",
  );
  await using running = master;
  await untilAccepted(running, url, 6);
  const reasons = running.events.filter(({ event }) => event === "recycling");
  assert(reasons.length >= 4);
  for (const { message, fields } of reasons) {
    assertEquals(fields.reason, "max-requests");
    const limit = fields.worker === 1 ? 5 : 8;
    const [, requests] = /it has had (\d+) requests \(max-requests, here (\d+)\)/.exec(message) ??
      [];
    assert(Number(requests) >= limit, message);
    assert(message.endsWith(`here ${limit})`), message);
  }
  assertEquals(running.events.filter(({ event }) => event === "died"), []);
});

Deno.test("max-worker-lifetime replaces a worker that has nothing to do", async () => {
  const { master } = await start("min-worker-lifetime = 0\nmax-worker-lifetime = 1");
  await using running = master;
  const { reason } = await running.waitFor("gone");
  assertEquals(reason, "max-worker-lifetime");
});

Deno.test("reload-on-rss replaces a worker that has grown, and the new one is small", async () => {
  const { master, url } = await start("min-worker-lifetime = 0\nreload-on-rss = 200");
  await using running = master;
  const old = await getText(`${url}/grow`);
  const { pid, reason } = await running.waitFor("gone");
  assertEquals([String(pid), reason], [old, "reload-on-rss"]);
  assertMatch(messageOf(running, "recycling"), /\d{3} MB of memory \(reload-on-rss = 200\)/);
});

Deno.test("evil-reload-on-rss kills a worker that has grown", async () => {
  const { master, url } = await start("evil-reload-on-rss = 200");
  await using running = master;
  const old = await getText(`${url}/grow`);
  const { pid, how } = await running.waitFor("gone");
  assertEquals([String(pid), how], [old, "was killed by SIGKILL"]);
});

Deno.test("harakiri names the request, and the worker's others are answered", async () => {
  const { master, url } = await start(
    "harakiri = 2\nharakiri-graceful-timeout = 4\nstats = %DIR%/stats.sock",
  );
  await using running = master;
  const old = await getText(`${url}/`);
  const slow = ask(`${url}/slow?id=7`);
  await running.until(() => running.output.includes("got /slow"), "slow request");
  const other = ask(`${url}/wait`);
  const condemned = await running.waitFor("condemned");
  assertEquals([String(condemned.pid), condemned.reason], [old, "harakiri"]);
  assertMatch(messageOf(running, "condemned"), /answering GET \/slow\?id=7 for \d+ s/);
  assert(running.output.includes("got /wait"));
  running.write({ go: "" });
  assertEquals(await other, old);
  assertEquals((await running.waitFor("gone")).reason, "harakiri");
  const { workers: [worker] } = await readStats(running.path("stats.sock"));
  assertEquals([worker?.harakiri_count, worker?.last_leave], [1, "harakiri"]);
  assertEquals(await slow, "nothing");
  assert(await getText(`${url}/`) !== old);
});

Deno.test("harakiri ends a worker whose event loop is blocked as well, and names the request", async () => {
  const { master, url } = await start("harakiri = 1\nharakiri-graceful-timeout = 0");
  await using running = master;
  const old = await getText(`${url}/`);
  const loop = ask(`${url}/loop`);
  assertEquals(String((await running.waitFor("condemned")).pid), old);
  assertMatch(messageOf(running, "condemned"), /answering GET \/loop for/);
  assertEquals((await running.waitFor("gone")).how, "was killed by SIGKILL");
  assertEquals(await loop, "nothing");
  assert(await getText(`${url}/`) !== old);
});

Deno.test("set_user_harakiri() needs no option, and can be called off", async () => {
  const { master, url } = await start("harakiri-graceful-timeout = 0\nprocesses = 1");
  await using running = master;
  const pid = await getText(`${url}/fine`);
  assertEquals(await getText(`${url}/own`), pid);
  const { reason } = await running.waitFor("condemned");
  assertEquals(reason, "harakiri");
  await running.waitFor("gone");
  await untilAccepted(running, url, 2);
  // The second time the event loop is blocked before anybody could be told.
  const loop = ask(`${url}/own-loop`);
  await running.until(() => running.count("condemned") === 2, "second harakiri");
  assertEquals(await loop, "nothing");
});

Deno.test("set_user_harakiri() is found when the first worker to call it blocks at once", async () => {
  const { master, url } = await start("harakiri-graceful-timeout = 0");
  await using running = master;
  const loop = ask(`${url}/own-loop`);
  assertEquals((await running.waitFor("condemned")).reason, "harakiri");
  assertEquals(await loop, "nothing");
});

Deno.test("hang-timeout kills a worker whose event loop is blocked, and not one that is slow to start", async () => {
  const { master, url } = await start("hang-timeout = 3", {
    files: { "app.ts": `const until = Date.now() + 4_500;\nwhile (Date.now() < until);\n${APP}` },
  });
  await using running = master;
  assertEquals(running.events.filter(({ event }) => event === "condemned"), []);
  const loop = ask(`${url}/loop`);
  assertEquals((await running.waitFor("condemned")).reason, "hang");
  assertMatch(messageOf(running, "condemned"), /has not run for \d s .* the oldest is GET \/loop/);
  assertEquals(await loop, "nothing");
});

Deno.test("a master that was stopped kills nobody when it goes on", async () => {
  const { master, url } = await start(
    "hang-timeout = 3\nharakiri = 4\nharakiri-graceful-timeout = 0\nprocesses = 2",
  );
  await using running = master;
  const before = new Set([...running.acceptingPids().values()].map(String));
  const waiting = ask(`${url}/wait`);
  await running.until(() => running.output.includes("got /wait"), "request");
  running.signal("SIGSTOP");
  try {
    // More than both limits: whoever measured with a clock would kill both workers.
    await new Promise((resolve) => setTimeout(resolve, 5_000));
  } finally {
    running.signal("SIGCONT");
  }
  running.write({ go: "" });
  assert(before.has(await waiting));
  // A worker that exceeds its own time shows that the master has looked at all of them again.
  const own = await getText(`${url}/own`);
  assert(before.has(own));
  await running.waitFor("condemned");
  const condemned = running.events.filter(({ event }) => event === "condemned");
  assertEquals(condemned.map(({ fields }) => String(fields.pid)), [own]);
  assertMatch(messageOf(running, "condemned"), /set_user_harakiri/);
});

Deno.test("limits that nobody can see to are a warning", async () => {
  const { master, url } = await start(
    "max-requests = 1\ndeno-flag = --allow-net\ndeno-flag = --allow-read",
  );
  await using running = master;
  assertMatch(await getText(`${url}/`), /^\d+$/);
  await running.waitFor("unseenRequests");
  assertMatch(messageOf(running, "unseenRequests"), /max-requests and harakiri have no effect/);
});
