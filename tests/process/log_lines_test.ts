/** What lines of the log begin with where it is plain text, and which lines are one record in JSON. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { duwsgi, MAIN } from "../helpers/program.ts";
import { readyMaster } from "../helpers/running_master.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";

const PATIENCE_MS = 30_000;
/** In this zone nobody runs tests. */
const ZONE = "Asia/Kathmandu";
const TIME = String.raw`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \+05:45`;

const APP = `import uwsgi from "uwsgi";
console.log("begins");
console.error("begins with an error");
uwsgi.serve((request) => {
  console.log("from console");
  console.warn("two\\n  lines");
  uwsgi.log("from the module");
  if (request.url.endsWith("/crash")) setTimeout(() => { throw new Error("boom"); }, 1);
  return new Response("ok");
});`;

Deno.test("text lines of master and workers begin with time, level and worker, in one zone and without colours", async () => {
  using directory = new TempDirectory();
  directory.write("app.ts", APP);
  const log = directory.write("log");
  const child = new Deno.Command("sh", {
    args: ["-c", 'exec "$@" >>"$LOG" 2>&1', "sh", Deno.execPath(), "run", "-A", MAIN].concat([
      ...["--http-socket", "127.0.0.1:0", "--log-requests", "--worker-override", "app.ts"],
    ]),
    cwd: directory.path,
    env: { TZ: ZONE, LOG: log, TMPDIR: directory.path },
    stdin: "null",
  }).spawn();
  try {
    const until = async (holds: (text: string) => boolean) => {
      const deadline = performance.now() + PATIENCE_MS;
      const text = () => Deno.readTextFileSync(log);
      while (!holds(text())) {
        if (performance.now() > deadline) throw new Error(text());
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return text();
    };
    const begun = await until((text) => text.includes("The worker accepts"));
    const [, address] = /Socket http:\/\/(\S+)/.exec(begun) ?? [];
    await getText(`http://${address}/`);
    await getText(`http://${address}/crash`);
    const text = await until((text) =>
      text.split("The worker accepts").length > 1 &&
      text.split("accepting after").length > 2 && text.includes("GET /crash") &&
      text.split("begins with an error").length > 2
    );
    const line = (end: string) => new RegExp(`${TIME} ${end}$`, "m");
    assertMatch(text, line("info Master has pid .*"));
    assertMatch(text, line("info worker 1: begins"));
    assertMatch(text, line("info worker 1: begins with an error"));
    assertMatch(text, line("info worker 1: from console"));
    assertMatch(text, line("info worker 1: from the module"));
    assertMatch(text, line("warning worker 1: two\n  lines"));
    assertMatch(text, line("error worker 1 \\(pid .*"));
    // The request log keeps uWSGI's form; its clock is the same.
    const [, day = "", clock = ""] = /^(\S+) (\d\d:\d\d):.* from the module$/m.exec(text) ?? [];
    const request = /^\[pid: .* \[(.*)\] GET \/ => .*$/m.exec(text)?.[1] ?? "";
    assertStringIncludes(request, ` ${clock}:`);
    assertEquals(new Date(`${request.replace(/^\S+ /, "")} UTC`).toISOString().slice(0, 10), day);
    assertEquals(text.includes("\x1b"), false, text);
  } finally {
    child.kill("SIGTERM");
    await child.status;
  }
});

Deno.test("in JSON a stack trace is one object, and requests have a logger of their own", async () => {
  const { master, addresses } = await readyMaster({
    ini: "http-socket = 127.0.0.1:0\nlog-requests = true\ndeno-worker-override = app.ts",
    files: { "app.ts": APP.replace("uwsgi.serve(", `console.log("up");\nuwsgi.serve(`) },
  });
  await using running = master;
  await getText(`http://${addresses[0]}/crash`);
  await running.waitFor("died");
  assertEquals(
    running.events.filter(({ event }) => event === "request").map(({ logger }) => logger),
    ["request"],
  );
  const { length } = running.records.filter(({ message }) => /boom|app\.ts:\d/.test(message));
  const [record] = running.records.filter(({ message }) => message.includes("boom"));
  assertEquals(length, 1);
  assertMatch(record?.message ?? "", /^error: Uncaught Error: boom\n[^]*\n {4}at .*app\.ts:/);
  assertEquals(
    [record?.logger, record?.fields.worker, record?.fields.stream],
    ["worker", 1, "output"],
  );
});

Deno.test("in JSON the error of a worker that cannot start is one object, too", async () => {
  const { master } = await readyMaster({
    ini: "http-socket = 127.0.0.1:0\ntouch-reload = reload\ndeno-worker-override = app.ts",
    files: { "app.ts": APP },
  });
  await using running = master;
  running.write({ "app.ts": "function no() {\n  throw new Error('no database');\n}\nno();" });
  assertEquals((await running.reload()).outcome === "done", false);
  const records = running.records.filter(({ message }) => /no database|app\.ts:2/.test(message));
  assertEquals(records.length, 1);
  assertMatch(records[0]?.message ?? "", /^error: [^]*no database\n[^]*\n {4}at .*app\.ts:2:/);
});

Deno.test("the error of a start that fails is JSON where the log is, and one line without the banner elsewhere", async () => {
  using directory = new TempDirectory();
  directory.write("app.ts", APP);
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  try {
    const { port } = taken.addr as Deno.NetAddr;
    const start = [
      `--http-socket=127.0.0.1:${port}`,
      `--worker-override=${directory.at("app.ts")}`,
    ];
    const text = await duwsgi(start);
    assertEquals([text.code, text.stderr.split("\n").length], [3, 2], text.stderr);
    assertMatch(text.stderr, /^duwsgi: .*address already in use/);
    const json = await duwsgi([...start, "--log-encoder=json"]);
    assertEquals(json.code, 3);
    const { level, logger, message, properties } = JSON.parse(json.stderr);
    assertEquals([level, logger, properties], ["ERROR", "duwsgi", {
      event: "startFailed",
      exit: "socket",
    }]);
    assertEquals(`duwsgi: ${message}\n`, text.stderr);
    // This one is found when the banner is there already.
    const fifo = directory.write("file", "precious");
    const late = await duwsgi([
      "--http-socket=127.0.0.1:0",
      ...start.slice(1),
      `--master-fifo=${fifo}`,
    ]);
    assertEquals([late.code, late.stderr.split("\n").length], [3, 2], late.stderr);
    assertMatch(late.stderr, /^duwsgi: Cannot open master-fifo /);
  } finally {
    taken.close();
  }
});

Deno.test("log-level leaves out less important lines of the master, and a reload changes it", async () => {
  const ini = (level: string) =>
    `http-socket = 127.0.0.1:0
log-level = ${level}
deno-worker-override = app.ts`;
  const { master, addresses } = await readyMaster({
    ini: ini("info"),
    files: { "app.ts": APP.replace(`"ok"`, "String(Deno.pid)") },
  });
  await using running = master;
  running.writeIni(ini("warning"));
  const pidNow = async () => Number(await getText(`http://${addresses[0]}/pid`));
  /** Reloads; what the master says of it is not waited for. */
  const replaced = async () => {
    const before = await pidNow();
    running.signal("SIGHUP");
    await running.until(async () => await pidNow() !== before, "another worker");
    await running.until(() => !isAlive(before), "end of the old worker");
  };
  await replaced();
  const from = running.records.length;
  await replaced();
  // What scripts print is there at any level.
  const printed = running.records.slice(from).map(({ message }) => message);
  assert(printed.includes("begins with an error"), printed.join("\n"));
  const own = running.records.slice(from).filter(({ logger }) => logger === "duwsgi");
  assertEquals(own.map(({ message }) => message), []);
  running.writeIni(ini("info").replace("app.ts", "nowhere.ts"));
  running.signal("SIGHUP");
  await running.until(
    () => running.records.slice(from).some(({ message }) => message.includes("nowhere.ts")),
    "line about the failed reload",
  );
  assertEquals(await running.stop(), 0);
});

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

Deno.test("a log-level that there is not is one line", async () => {
  const { code, stderr } = await duwsgi(["--log-level", "verbose", "--check"]);
  assertEquals(code, 2);
  assertMatch(stderr, /"log-level" at .* expects info or warning or error, not "verbose"/);
});
