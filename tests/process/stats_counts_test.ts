/** What the scoreboard counts is what clients sent, whatever becomes of the workers. */
import { assert, assertEquals } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { readyMaster, type RunningMaster } from "../helpers/running_master.ts";
import { readStats, statsAddresses, total } from "../helpers/stats.ts";

/** Notes each request in a file before anything else, which is one write(2) each. */
const APP = `import uwsgi from "uwsgi";
const file = Deno.openSync("begun", { append: true, create: true });
const encoder = new TextEncoder();
uwsgi.serve(async (request) => {
  const { pathname } = new URL(request.url);
  file.writeSync(encoder.encode(pathname + "\\n"));
  if (pathname.startsWith("/hold")) await new Promise(() => {});
  if (pathname.startsWith("/async")) await new Promise((done) => setTimeout(done, 2));
  return new Response("ok");
});`;

const ini = (mask: string) =>
  `http-socket = 127.0.0.1:0
processes = 2
umask = ${mask}
stats = %DIR%/stats.sock
touch-chain-reload = %DIR%/reload
chain-reload-verify = 0
worker-reload-mercy = 5
deno-worker-override = app.ts`;

async function start() {
  const { master, addresses } = await readyMaster({ ini: ini("022"), files: { "app.ts": APP } });
  const [stats = ""] = statsAddresses(master);
  return { master, address: addresses[0] ?? "", stats: () => readStats(stats) };
}

/** Kills the worker of each of these slots, and waits for their successors. */
async function kill(running: RunningMaster, ...slots: readonly number[]): Promise<void> {
  const from = running.events.length;
  for (const slot of slots) Deno.kill(running.acceptingPids().get(slot) ?? 0, "SIGKILL");
  for (const slot of slots) await running.waitFor("accepting", (it) => it.worker === slot, from);
}

/** Reloads, and waits until both old workers have gone: one may take longer than the next kill does. */
async function reload(running: RunningMaster, begin?: () => void): Promise<void> {
  const gone = running.count("gone");
  assertEquals((await running.reload(begin)).outcome, "done");
  await running.until(() => running.count("gone") === gone + 2, "end of the old workers");
}

Deno.test("the sum of requests is what clients sent, through kills, reloads and a replaced program", async () => {
  const { master, address, stats } = await start();
  await using running = master;
  let sent = 0;
  const expectAll = async (what: string, lost = 0) => {
    const now = await stats();
    const sums = [
      total(now, ({ requests }) => requests),
      total(now, ({ responses }) => responses["2xx"]),
      total(now, ({ latency }) => latency.buckets.reduce((a, b) => a + b)),
      total(now, ({ tx }) => tx),
      now.in_flight,
    ];
    assertEquals(sums, [sent, sent - lost, sent - lost, 2 * (sent - lost), 0], what);
  };
  const send = async (count: number) => {
    const paths = Array.from({ length: count }, (_, i) => i % 2 === 0 ? "async" : "sync");
    const texts = await Promise.all(paths.map((path) => getText(`http://${address}/${path}`)));
    assertEquals(texts.filter((text) => text === "ok").length, count);
    sent += count;
  };
  await send(21);
  await expectAll("at first");
  await kill(running, 1);
  await send(20);
  await expectAll("after a kill");
  await reload(running);
  await send(20);
  await expectAll("after a chain reload");
  running.writeIni(ini("077"));
  await reload(running, () => running.signal("SIGHUP"));
  await send(20);
  await expectAll("in another program");
  // Requests that are at work when their worker is killed: counted, and never answered.
  const held = Array.from(
    { length: 9 },
    (_, i) => getText(`http://${address}/hold/${i}`).then(() => false, () => true),
  );
  await running.until(async () => (await stats()).in_flight === 9, "requests at work");
  await kill(running, 1, 2);
  assertEquals(await Promise.all(held), held.map(() => true));
  sent += 9;
  await expectAll("after a kill of everybody at work", 9);
  await send(20);
  await expectAll("at last", 9);
  const { workers } = await stats();
  assertEquals(workers.map(({ respawn_count }) => respawn_count), [5, 4]);
  assertEquals(workers.map(({ last_leave }) => last_leave), Array(2).fill("was killed by SIGKILL"));
});

/** A client that sends one request after the other, each on a connection of its own. */
async function client(
  number: number,
  address: string,
  signal: AbortSignal,
): Promise<{ readonly sent: string[]; readonly answered: string[] }> {
  const [hostname = "", port = ""] = address.split(":");
  const sent: string[] = [];
  const answered: string[] = [];
  for (let i = 0; !signal.aborted; i++) {
    const path = `/${i % 2 === 0 ? "async" : "sync"}/${number}/${i}`;
    try {
      using connection = await Deno.connect({ hostname, port: Number(port) });
      sent.push(path);
      const request = `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
      await connection.write(new TextEncoder().encode(request));
      const answer = await new Response(connection.readable).text();
      if (answer.startsWith("HTTP/1.1 200")) answered.push(path);
    } catch {
      // Its worker was killed: it is among those that were sent and not answered.
    }
  }
  return { sent, answered };
}

Deno.test("requests of workers that are killed under load are all accounted for", async () => {
  const { master, address, stats } = await start();
  await using running = master;
  const end = new AbortController();
  const loads = Array.from({ length: 8 }, (_, i) => client(i, address, end.signal));
  const kills = [1, 2, 2, 1];
  for (const slot of kills) {
    await kill(running, slot);
    const { length } = running.read("begun");
    await running.until(() => running.read("begun").length > length + 3_000, "more requests");
  }
  await reload(running);
  await kill(running, 1);
  end.abort();
  const reports = await Promise.all(loads);
  const now = await stats();
  const sent = reports.flatMap((report) => report.sent);
  const answered = reports.flatMap((report) => report.answered);
  const begun = running.read("begun").trimEnd().split("\n");
  assertEquals(new Set(begun).size, begun.length, "a request began twice");
  assertEquals(new Set(begun).difference(new Set(sent)).size, 0, "a request that nobody sent");
  assertEquals(new Set(answered).difference(new Set(begun)).size, 0, "an answer to no request");
  const requests = total(now, (worker) => worker.requests);
  // A kill can come between a request's count and its note in the file, but once per worker.
  const unnoted = requests - begun.length;
  assert(unnoted >= 0 && unnoted <= kills.length + 1, `${requests} for ${begun.length}`);
  const responses = total(now, (worker) => worker.responses["2xx"]);
  assert(answered.length <= responses && responses <= requests);
  assert(sent.length - answered.length < 8 * (kills.length + 1) + 1, "more than were at work");
  assertEquals(now.in_flight, 0);
});
