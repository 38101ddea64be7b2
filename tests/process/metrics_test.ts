/** Metrics: exact across processes, kept across everything that happens to an instance. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { getJson, getText } from "../helpers/http.ts";
import { readyMaster, type RunningMaster, startMaster } from "../helpers/running_master.ts";
import { readStats, statsAddresses } from "../helpers/stats.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";

const INI = `http-socket = 127.0.0.1:0
deno-worker-override = app.ts
worker-reload-mercy = 5
chain-reload-verify = 0`;

/** Calls what it is asked for: `/inc/NAME/VALUE`. */
const APP = `import uwsgi from "uwsgi";
uwsgi.serve((request) => {
  const [, operation, name, ...values] = new URL(request.url).pathname.split("/");
  try {
    return Response.json(uwsgi["metric_" + operation](name, ...values.map(BigInt)));
  } catch (error) {
    return Response.json(String(error));
  }
});`;

/** Changes metrics as soon as all workers can, so that they do it at the same time. */
const BUSY_APP = `import uwsgi, { metric_inc } from "uwsgi";
${APP.split("\n").slice(1).join("\n")}
const ROUNDS = 20_000;
const timer = setInterval(() => {
  if (!uwsgi.ready()) return;
  clearInterval(timer);
  const id = uwsgi.worker_id();
  for (let i = 1; i <= ROUNDS; i++) {
    metric_inc("sum");
    uwsgi.metric_dec("difference", 2);
    uwsgi.metric_mul("product", 3);
    uwsgi.metric_set_max("largest", i * 10 + id);
    uwsgi.metric_set_min("smallest", -i * 10 - id);
    uwsgi.metric_observe("sizes", i % 3);
  }
  uwsgi.log("worker " + id + " is done");
}, 1);`;

const MULE = `import uwsgi from "uwsgi";
uwsgi.metric_inc("by.mule", 5);
setInterval(() => {}, 1000);`;

async function values(address: string, ...names: string[]): Promise<unknown[]> {
  return await Promise.all(names.map((name) => getJson(`http://${address}/get/${name}`)));
}

Deno.test("metrics are exact when all workers change them at once, also after a kill", async () => {
  const { master, addresses } = await readyMaster({
    ini: `${INI}
processes = 3
mule = mule.ts
metric = sum
metric = difference
metric = name=product,initial_value=1
metric = largest
metric = smallest
metric = name=sizes,type=histogram,bounds=0;1
metric = name=by.mule`,
    files: { "app.ts": BUSY_APP, "mule.ts": MULE },
  });
  await using running = master;
  const [address = ""] = addresses;
  const done = (times: number) =>
    running.until(
      () => running.output.filter((line) => line.endsWith("is done")).length === times,
      `end of ${times} workers`,
    );
  await done(3);
  const victim = running.acceptingPids().get(3) ?? 0;
  Deno.kill(victim, "SIGKILL");
  await done(4);
  const changes = 4 * 20_000;
  let product = 1n;
  for (let i = 0; i < changes; i++) product = BigInt.asIntN(64, product * 3n);
  const names = ["sum", "difference", "product", "largest", "smallest", "sizes", "by.mule"];
  assertEquals(await values(address, ...names), [
    changes,
    -2 * changes,
    Number(product),
    200_003,
    -200_003,
    changes,
    5,
  ]);
  const third = Math.floor(20_000 / 3);
  assertEquals(await getJson(`http://${address}/histogram/sizes`), {
    bounds: [0, 1],
    buckets: [4 * third, 4 * (third + 1), 4 * (third + 1)],
    sum: 4 * (third + 1) * 3,
  });
});

async function reload(running: RunningMaster): Promise<unknown> {
  const from = running.events.length;
  running.signal("SIGHUP");
  const { outcome } = await running.waitFor("reloadFinished", () => true, from);
  // Before that, a connection may still lead to the old worker.
  if (outcome === "done") await running.waitFor("gone", ({ reason }) => reason === "reload", from);
  return outcome;
}

Deno.test("a reload adds and removes metrics, and what keeps its name keeps its value", async () => {
  const { master, addresses } = await readyMaster({ ini: INI, files: { "app.ts": APP } });
  await using running = master;
  const [address = ""] = addresses;
  const get = (path: string) => getJson<unknown>(`http://${address}/${path}`);
  assertStringIncludes(String(await get("inc/a")), 'There is no metric "a", because this instance');

  running.writeIni(`${INI}\nmetric = a\nmetric = name=b,initial_value=5`);
  assertEquals(await reload(running), "done");
  assertEquals([await get("inc/a/7"), await get("inc/b")], [true, true]);

  // Another set, and the program of the master is replaced as well.
  running.writeIni(
    `${INI}\numask = 027\nmetric = name=a,type=gauge\nmetric = name=abc,initial_value=-1`,
  );
  assertEquals(await reload(running), "done");
  assert(
    running.events.some(({ message }) => message.includes("the master's program was replaced")),
  );
  assertEquals(await values(address, "a", "abc"), [7, -1]);
  assertEquals(
    await get("get/b"),
    'Error: There is no metric "b": did you mean "a"? If not, declare it with metric = b',
  );

  // Workers that do not start: the old ones go on, with the metrics that they have.
  running.write({ "app.ts": "throw new Error('broken');" });
  running.writeIni(`${INI}\numask = 027\nmetric = c`);
  assertEquals(await reload(running), "rolled-back");
  assertEquals([await get("inc/a"), ...await values(address, "a", "abc")], [true, 8, -1]);

  running.write({ "app.ts": APP });
  running.writeIni(`${INI}\numask = 027\nmetric = a\nmetric = c\nmetric = name=b,initial_value=5`);
  assertEquals(await reload(running), "done");
  assertEquals(await values(address, "a", "b", "c", "worker.1.respawns"), [8, 5, 0, 4]);

  running.writeIni(`${INI}\numask = 027\nmetrics-dir = %DIR%/missing`);
  assertEquals(await reload(running), "failed");
  assert(running.events.some(({ message }) => message.includes("directory of metrics-dir")));
  assertEquals(await values(address, "a"), [8]);
});

Deno.test("collectors, thresholds and files follow what workers count, and a new start restores it", async () => {
  using place = new TempDirectory();
  const file = (name: string) => {
    try {
      return Deno.readTextFileSync(place.at(name));
    } catch {
      return "";
    }
  };
  const ini = `${INI}
stats = %DIR%/app.stats
metrics-dir = ${place.path}
metrics-dir-restore = true
metric = a
metric = name=b,initial_value=3
metric = name=idle,collector=sum,children=core.idle_workers;worker.1.respawns
metric = name=total,collector=sum,children=a;b,initial_value=100
metric = name=size,collector=file,arg1=size.txt,arg1n=1
metric = name=gone,collector=file,arg1=gone.txt
metric = name=h,type=histogram,bounds=10
metric = errors
metric-threshold = key=errors,value=5,reset=1,alarm=mail,msg=too many errors`;
  {
    const { master, addresses } = await readyMaster({
      ini,
      files: { "app.ts": APP, "size.txt": "size: 42 kB\n" },
    });
    await using running = master;
    const [address = ""] = addresses;
    const get = (path: string) => getText(`http://${address}/${path}`);
    await Promise.all(["inc/a/4", "inc/errors/6", "observe/h/7"].map(get));
    await running.until(() => file("total") === "107\n" && file("a") === "4\n", "files");
    await running.until(() => file("idle") === "2\n", "copy of what the master knows");
    const { alarm, value } = await running.waitFor("metricThreshold");
    assertEquals([alarm, value], ["mail", 6]);
    await running.until(() => file("errors") === "0\n", "reset metric in its file");
    assertEquals(await values(address, "total", "size", "errors"), [107, 42, 0]);
    const { metrics = {} } = await readStats(statsAddresses(running)[0] ?? "");
    assertEquals(metrics["total"], { type: 0, oid: "", value: 107 });
    assertEquals(metrics["h"]?.histogram, { bounds: [10], buckets: [1, 0], sum: 7 });
    assertEquals(metrics["core.idle_workers"]?.value, 1);
    const request = "worker.1.requests";
    assertEquals(await values(address, request), [(metrics[request]?.value ?? 0) + 1]);
    await running.waitFor("metricFile", ({ metric }) => metric === "gone");
    assertEquals(await get("inc/a/5"), "true");
    assertEquals(await running.stop(), 0);
    assertEquals(running.count("metricFile"), 1);
  }
  assertEquals(["a", "b", "h", "size"].map(file), ["9\n", "3\n", "7 1 0\n", "42\n"]);
  Deno.writeTextFileSync(place.at("b"), "nonsense");
  const { master, addresses } = await readyMaster({ ini, files: { "app.ts": APP } });
  await using running = master;
  assertEquals(await values(addresses[0] ?? "", "a", "b", "h"), [9, 3, 1]);
  await running.until(() => file("total") === "112\n", "sum of what was restored");
  const told = running.events.filter(({ event }) => event === "metricsDir");
  assertEquals(told.map(({ message }) => message.includes('restore the metric "b"')), [true]);
});

Deno.test("a directory for metrics that cannot be written to is one line, and no start", async () => {
  for (const args of [[], ["--check"]]) {
    await using master = startMaster({
      ini: `${INI}\nmetrics-dir = %DIR%/missing`,
      files: { "app.ts": APP },
      args,
    });
    assertEquals(await master.exitCode(), 2);
    const lines = master.output.filter((line) => line.includes("metrics-dir"));
    assertEquals(lines.length, 1);
    assertStringIncludes(lines[0] ?? "", "Cannot write to the directory of metrics-dir");
  }
});

Deno.test("without foreign functions each process counts for itself, and the log says so", async () => {
  const ways = [
    { deny: "", permissions: ["-A", "--deny-ffi"] },
    { deny: "deno-flag = --deny-ffi", permissions: ["-A"] },
  ];
  for (const { deny, permissions } of ways) {
    const { master, addresses } = await readyMaster({
      ini: `${INI}\nmetric = name=a,initial_value=5\n${deny}`,
      files: { "app.ts": APP },
      permissions,
    });
    await using running = master;
    assertEquals(await getText(`http://${addresses[0]}/inc/a`), "true");
    assertEquals(await values(addresses[0] ?? "", "a"), [6]);
    assertEquals(running.count("ownMetrics"), 1);
  }
});
