/** What the master answers over HTTP (`metrics-http`). */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import parsePrometheus from "parse-prometheus-text-format";
import { getText, getUnix } from "../helpers/http.ts";
import { exchange } from "../helpers/uwsgi_client.ts";
import { readyMaster, type RunningMaster, startMaster } from "../helpers/running_master.ts";

/** Waits for the file `go` before it serves; `/wait` waits for the file `end`. */
const PATIENT_APP = `import uwsgi from "uwsgi";
const comes = async (file) => {
  while (!(await Deno.stat(file).catch(() => null))) await new Promise((r) => setTimeout(r, 20));
};
await comes("go");
uwsgi.serve(async ({ url }) => {
  if (url.endsWith("/wait")) await comes("end");
  return new Response("ok");
});`;

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** The address that the log names for `metrics-http`, from `from` on. */
async function addressOf(running: RunningMaster, from = 0): Promise<string> {
  const find = () =>
    running.events.slice(from).flatMap(({ message }) =>
      /^Metrics and probes at (.*)$/.exec(message)?.[1] ?? []
    )[0];
  await running.until(() => find() !== undefined, "address of metrics-http");
  return find() ?? "";
}

async function get(address: string, path: string, accept = "*/*"): Promise<Answer> {
  const response = await fetch(`http://${address}${path}`, { headers: { accept } });
  return { status: response.status, text: await response.text() };
}

/** Waits until a probe answers like that. */
async function until(
  running: RunningMaster,
  address: string,
  path: string,
  expected: string,
): Promise<void> {
  await running.until(
    async () => (await get(address, path).catch(() => null))?.text === `${expected}\n`,
    `${path} that says "${expected}"`,
  );
}

Deno.test("probes tell how the instance is, from its start through reload and pause to its end", async () => {
  const ini = (mask: string) =>
    `http-socket = 127.0.0.1:0
metrics-http = 127.0.0.1:0
umask = ${mask}
deno-worker-override = app.ts`;
  await using running = startMaster({ ini: ini("022"), files: { "app.ts": PATIENT_APP } });
  const address = await addressOf(running);
  await until(running, address, "/readyz", "starting: 0 of 1 workers accept");
  assertEquals(await get(address, "/healthz"), { status: 200, text: "ok\n" });
  running.touch("go");
  const [socket] = await running.ready();
  await until(running, address, "/readyz", "ok");

  // Another umask takes another program of the master: it has the same address.
  const from = running.events.length;
  running.writeIni(ini("027"));
  running.signal("SIGHUP");
  assertEquals(await addressOf(running, from), address);
  await running.waitFor("reloadFinished", () => true, from);
  assertEquals((await get(address, "/readyz")).status, 200);
  assertStringIncludes((await get(address, "/metrics")).text, "duwsgi_generation 2\n");

  running.signal("SIGTSTP");
  await until(running, address, "/readyz", "paused");
  assertEquals((await get(address, "/healthz")).status, 200);
  running.signal("SIGTSTP");
  await until(running, address, "/readyz", "ok");

  const waiting = getText(`http://${socket}/wait`).catch(String);
  await running.until(
    async () => /requests_in_flight\{worker="1"\} 1/.test((await get(address, "/metrics")).text),
    "request at work",
  );
  running.signal("SIGTERM");
  await until(running, address, "/readyz", "stopping");
  assertEquals(await get(address, "/readyz"), { status: 503, text: "stopping\n" });
  assertEquals((await get(address, "/healthz")).status, 200);
  running.touch("end");
  assertEquals(await waiting, "ok");
  assertEquals(await running.exitCode(), 0);
});

Deno.test("an instance of which nothing is left is not healthy, until it is again", async () => {
  const { master } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
metrics-http = 127.0.0.1:0
deno-worker-override = app.ts`,
    files: { "app.ts": { fixture: "workers/hello.ts" } },
  });
  await using running = master;
  const address = await addressOf(running);
  running.write({ "app.ts": "throw new Error('broken');" });
  for (const pid of running.acceptingPids().values()) Deno.kill(pid, "SIGKILL");
  await running.until(
    async () => (await get(address, "/healthz")).status === 503,
    "unhealthy instance",
  );
  const { text } = await get(address, "/healthz");
  assertStringIncludes(text, "no worker is left: worker 1 died");
  assertEquals(await get(address, "/readyz"), { status: 503, text: "1 of 1 workers are down\n" });
  running.write({ "app.ts": { fixture: "workers/hello.ts" } });
  running.signal("SIGHUP");
  await until(running, address, "/healthz", "ok");
  await until(running, address, "/readyz", "ok");
});

/** A metric as the parser gives it. */
interface Parsed {
  readonly name: string;
  readonly type: string;
  readonly metrics: readonly {
    readonly value?: string;
    readonly labels?: Readonly<Record<string, string>>;
  }[];
}

const OPEN_METRICS = "application/openmetrics-text; version=1.0.0";

Deno.test("Prometheus reads the metrics, which have counted every request, whatever others do", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
processes = 2
metrics-http = 127.0.0.1:0
metrics-http = %DIR%/metrics.sock
touch-workers-reload = %DIR%/reload
deno-worker-override = app.ts`,
    files: { "app.ts": { fixture: "workers/hello.ts" } },
  });
  await using running = master;
  const address = await addressOf(running);
  const [hostname = "", port] = address.split(":");
  // One that says nothing, one that says half of it, one that says nonsense, one that reads nothing.
  const rude: Deno.Conn[] = [];
  for (
    const text of ["", "GET /metrics HTTP/1.1\r\nHost:", "\0\n\n", "GET /metrics HTTP/1.1\n\n"]
  ) {
    const connection = await Deno.connect({ hostname, port: Number(port) });
    if (text !== "") await connection.write(new TextEncoder().encode(text));
    rude.push(connection);
  }
  for (let i = 0; i < 20; i++) await getText(`http://${addresses[0]}/`);
  running.touch("reload");
  await running.waitFor("reloadFinished");
  for (let i = 0; i < 10; i++) await getText(`http://${addresses[0]}/`);

  const { text } = await get(address, "/metrics");
  const families = parsePrometheus(text) as readonly Parsed[];
  const family = (name: string) => families.find((one) => one.name === name)?.metrics ?? [];
  const sum = (values: readonly (string | undefined)[]) =>
    values.reduce((total, value) => total + Number(value), 0);
  assertEquals(sum(family("duwsgi_worker_requests_total").map(({ value }) => value)), 30);
  // The parser makes one of all histograms of a metric.
  for (const end of [`count{worker="W"}`, `bucket{worker="W",le="+Inf"}`]) {
    const counts = ["1", "2"].map((worker) => {
      const start = `\nduwsgi_worker_request_duration_seconds_${end.replace("W", worker)} `;
      return text.split(start)[1]?.split("\n")[0];
    });
    assertEquals(sum(counts), 30);
  }
  assertEquals(
    family("duwsgi_reloads_total").find(({ labels }) => labels?.outcome === "done")?.value,
    "1",
  );
  assertEquals(family("duwsgi_socket_queues").map(({ labels }) => labels?.socket), [addresses[0]]);
  assert(families.every(({ type }) => ["GAUGE", "COUNTER", "HISTOGRAM"].includes(type)));

  // The same samples in the other format, but for what changes by itself.
  const samples = (all: string) =>
    all.split("\n").filter((line) => line !== "" && !/^#|lag|memory|workers\{/.test(line));
  const open = await get(address, "/metrics", OPEN_METRICS);
  assertEquals(samples(open.text), samples(text));
  assert(open.text.endsWith("\n# EOF\n"));
  assertStringIncludes(open.text, "# UNIT duwsgi_worker_request_duration_seconds seconds\n");
  const overUnix = await getUnix(running.path("metrics.sock"), "/metrics");
  assertStringIncludes(overUnix, 'duwsgi_workers{state="accepting"} 2\n');

  for (const connection of rude) connection.close();
  assertEquals(await running.stop(), 0);
});

Deno.test("addresses follow the configuration; one that is taken is an error at the start and of a reload", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const ini = (address: string) =>
    `http-socket = 127.0.0.1:0
metrics-http = ${address}
deno-worker-override = app.ts`;
  const files = { "app.ts": { fixture: "workers/hello.ts" } } as const;
  const inUse = `127.0.0.1:${taken.addr.port}`;
  const why = new RegExp(
    `Cannot open metrics-http "${inUse}" .*app.ini:4.: address already in use`,
  );
  await using refused = startMaster({ ini: ini(inUse), files });
  assertEquals(await refused.exitCode(), 3);
  assertMatch(refused.output.join("\n"), why);

  const { master } = await readyMaster({ ini: ini("127.0.0.1:0"), files });
  await using running = master;
  const before = await addressOf(running);
  const reload = async (address: string) => {
    const from = running.events.length;
    running.writeIni(ini(address));
    running.signal("SIGHUP");
    await running.waitFor("reloadFinished", () => true, from);
    return from;
  };
  const from = await reload("%DIR%/metrics.sock");
  assertEquals(await addressOf(running, from), running.path("metrics.sock"));
  assertStringIncludes(await getUnix(running.path("metrics.sock"), "/readyz"), "200 OK");
  assertEquals(await get(before, "/readyz").catch(() => null), null);

  const failed = await reload(inUse);
  const line = running.events.slice(failed).find(({ event }) => event === "reloadFinished");
  assertMatch(String(line?.message), why);
  assertStringIncludes(await getUnix(running.path("metrics.sock"), "/readyz"), "200 OK");
  assertEquals(await running.stop(), 0);
});

const SHOWN = "http-socket = 127.0.0.1:0\ndeno-worker-override = app.ts\n";
const QUICK_APP = {
  "app.ts": 'import uwsgi from "uwsgi";\nuwsgi.serve(() => new Response("ok"));',
};

/** The status of the answer to a head. */
async function statusOf(address: string, head: string): Promise<string> {
  const answer = await exchange(address, new TextEncoder().encode(head));
  return answer.split("\r\n", 1)[0]?.split(" ")[1] ?? "";
}

Deno.test("a host that is not this instance's gets nothing, over TCP", async () => {
  const { master: running } = await readyMaster({
    ini: `${SHOWN}metrics-http = 127.0.0.1:0
metrics-http = %DIR%/view.sock
metrics-http-hosts = metrics.example, *.svc.cluster.local
stats = 127.0.0.1:0
stats-http = true`,
    files: QUICK_APP,
  });
  await using _ = running;
  const address = await addressOf(running);
  const stats =
    running.events.flatMap(({ message }) => /^Stats at (\S+)$/.exec(message)?.[1] ?? [])[0] ?? "";
  const ask = (at: string, host: string) =>
    statusOf(at, `GET /stats HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  for (const at of [address, stats]) {
    const answers = [
      "evil.example",
      "127.0.0.1.evil.example",
      "metrics.example.",
      "app.svc.cluster.local:1",
    ]
      .concat("127.0.0.1:1", "localhost", Deno.hostname())
      .map((host) => ask(at, host));
    assertEquals(await Promise.all(answers), ["421", "421", "200", "200", "200", "200", "200"], at);
    assertEquals(await statusOf(at, "GET /stats HTTP/1.0\r\n\r\n"), "200");
    // A proxy's form counts instead of the header.
    const whole = "GET http://evil.example/stats HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assertEquals(await statusOf(at, whole), "421");
  }
  assertEquals(await ask(running.path("view.sock"), "evil.example"), "200");
});

Deno.test("a head that is made to be read for long is answered like any other", async () => {
  const { master: running } = await readyMaster({
    ini: `${SHOWN}metrics-http = 127.0.0.1:0`,
    files: QUICK_APP,
  });
  await using _ = running;
  const address = await addressOf(running);
  const head = (value: string) => `GET /healthz HTTP/1.1\r\na:${value}\r\n\r\n`;
  assertEquals(await statusOf(address, head(`${" ".repeat(8000)}\rx`)), "400");
  assertEquals(await statusOf(address, head(" b")), "200");
});
