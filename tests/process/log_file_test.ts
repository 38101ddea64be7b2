import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type RunningMaster, startMaster } from "../helpers/running_master.ts";

/** Writes lines in three ways, as fast as the event loop allows, until it finds the file `halt`. */
const WRITER = `import uwsgi from "uwsgi";
uwsgi.serve(() => new Response("writing"));
const writers = [console.log, console.error, uwsgi.log];
const id = uwsgi.worker_id();
let written = 0;
const timer = setInterval(() => {
  for (let i = 0; i < 10; i++) {
    writers[written % 3]("line " + id + " " + written++ + " " + "x".repeat(written % 300) + " end");
  }
  try {
    Deno.statSync("halt");
    clearInterval(timer);
    uwsgi.log("done " + id + " " + written);
  } catch {
    // Not yet.
  }
}, 2);`;

/** All lines of all log files; some are missing if one is renamed meanwhile. */
function allLines(master: RunningMaster): string[] {
  const names = [...Deno.readDirSync(master.directory)].map(({ name }) => name)
    .filter((name) => name.startsWith("log"));
  return names.flatMap((name) => master.read(name).split("\n").slice(0, -1)).map(asPrinted);
}

/** Lines of workers as they printed them; those of the master are JSON. */
function asPrinted(line: string): string {
  const { logger, message } = line.startsWith("{") ? JSON.parse(line) : { logger: "duwsgi" };
  return logger === "duwsgi" ? line : message;
}

/** Makes sure that each line of each worker is there once and whole. */
function assertComplete(lines: readonly string[], workers: number): void {
  for (let id = 1; id <= workers; id++) {
    const done = lines.find((line) => line.startsWith(`done ${id} `));
    const count = Number(done?.split(" ")[2]);
    assert(count > 100, `worker ${id} wrote ${count}`);
    const found = lines.filter((line) => line.startsWith(`line ${id} `));
    const numbers = found.map((line) => {
      const [, number = "", body = ""] = /^line \d+ (\d+) (x*) end$/.exec(line) ?? [];
      assertEquals(body.length, (Number(number) + 1) % 300, line);
      return Number(number);
    }).sort((a, b) => a - b);
    assertEquals(numbers, Array.from({ length: count }, (_, i) => i));
  }
  const odd = lines.filter((line) =>
    !/^(line|done) \d|^\{"@timestamp"|^\d{4}-\d\d-\d\d /.test(line)
  );
  assertEquals(odd, []);
}

function reopened(master: RunningMaster): number {
  return allLines(master).filter((line) => /Log file (rotated|opened again): /.test(line)).length;
}

async function daemon(ini: string): Promise<[RunningMaster, number]> {
  const running = startMaster({
    ini: `http-socket = 127.0.0.1:0
processes = 2
daemonize2 = log.txt
safe-pidfile = m.pid
deno-worker-override = app.ts
${ini}`,
    files: { "app.ts": WRITER },
  });
  assertEquals(await running.exitCode(), 0);
  return [running, Number(Deno.readTextFileSync(running.path("m.pid")))];
}

async function halt(master: RunningMaster, pid: number): Promise<void> {
  master.touch("halt");
  const done = () => allLines(master).filter((line) => line.startsWith("done")).length === 2;
  await master.eventually(done, "end of the writing");
  Deno.kill(pid, "SIGTERM");
  await master.eventually(() => master.processes().length === 0, "end of the daemon");
}

/** The log files that a process has open. */
function targets(master: RunningMaster, pid: number): Set<string> {
  const open = [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) => linkOf(pid, name));
  return new Set(open.filter((path) => path.startsWith(master.path("log"))));
}

/** What a descriptor stands for; empty: it was closed meanwhile. */
function linkOf(pid: number, fd: string): string {
  try {
    return Deno.readLinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return "";
  }
}

Deno.test("rotating and reopening the log while workers write loses and splits no line", async () => {
  for (const encoder of ["text", "json"]) await rotateAndReopen(encoder);
});

async function rotateAndReopen(encoder: string): Promise<void> {
  const [running, pid] = await daemon(
    `touch-logrotate = rotate\ntouch-logreopen = reopen\nlog-encoder = ${encoder}`,
  );
  await using master = running;
  const workers = master.processes().filter((one) => one !== pid);
  assertEquals(workers.length, 2);
  for (const [round, file] of ["rotate", "reopen", "rotate", "rotate"].entries()) {
    if (file === "reopen") Deno.renameSync(master.path("log.txt"), master.path("log.moved"));
    master.touch(file);
    await master.eventually(() => reopened(master) === round + 1, "open log");
    const current = new Set([master.path("log.txt")]);
    await master.eventually(
      () =>
        [pid, ...workers].every((one) =>
          String([...targets(master, one)]) === String([...current])
        ),
      "everybody in the new log",
    );
    const size = Deno.statSync(master.path("log.txt")).size;
    await master.eventually(() => Deno.statSync(master.path("log.txt")).size > size, "new lines");
  }
  await halt(master, pid);
  const lines = allLines(master);
  assertComplete(lines, 2);
  assertEquals(
    [...Deno.readDirSync(master.directory)].filter(({ name }) => /^log/.test(name)).length,
    5,
  );
}

Deno.test("log-backupname names the rotated file, and a log that cannot be opened again stays", async () => {
  const [running, pid] = await daemon(
    "touch-logrotate = rotate\ntouch-logreopen = reopen\nlog-backupname = log.old",
  );
  await using master = running;
  master.touch("rotate");
  await master.eventually(() => reopened(master) === 1, "rotated log");
  assert(Deno.statSync(master.path("log.old")).size > 0);
  // Somebody has put a directory in its place.
  Deno.renameSync(master.path("log.txt"), master.path("log.moved"));
  Deno.mkdirSync(master.path("log.txt"));
  master.touch("reopen");
  const text = () => master.read("log.moved");
  await master.eventually(() => text().includes("logReopenFailed"), "error");
  assertStringIncludes(text(), "The old log file stays in use");
  Deno.removeSync(master.path("log.txt"));
  await halt(master, pid);
  assertComplete(allLines(master), 2);
});
