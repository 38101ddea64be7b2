import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type RunningMaster, startMaster } from "../helpers/running_master.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";

/**
 * Writes lines in three ways, as fast as the event loop allows, until it finds the file `halt` or has to
 * leave. Its last line says how many there were.
 */
const WRITER = `import uwsgi from "uwsgi";
uwsgi.serve(() => new Response("writing"));
const writers = [console.log, console.error, uwsgi.log];
const id = Deno.pid;
let written = 0;
const done = () => {
  clearInterval(timer);
  uwsgi.log("done " + id + " " + written);
};
addEventListener("unload", done, { once: true });
const timer = setInterval(() => {
  for (let i = 0; i < 10; i++) {
    writers[written % 3]("line " + id + " " + written++ + " " + "x".repeat(written % 300) + " end");
  }
  try {
    Deno.statSync("halt");
  } catch {
    return;
  }
  removeEventListener("unload", done);
  done();
}, 2);`;

/** All lines of all log files; some are missing if one is renamed meanwhile. */
function allLines(master: RunningMaster): string[] {
  const names = [...Deno.readDirSync(master.directory)].map(({ name }) => name)
    .filter((name) => name.startsWith("log"));
  return names.flatMap((name) => master.read(name).split("\n").slice(0, -1)).map(asPrinted);
}

/** Lines of workers as they printed them, without what the log puts before them. */
function asPrinted(line: string): string {
  if (!line.startsWith("{")) return HEAD.exec(line)?.[1] ?? line;
  const { logger, message } = JSON.parse(line);
  return logger === "duwsgi" ? line : message;
}

/** Time, level and worker. */
const HEAD =
  /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [+-]\d\d:\d\d (?:debug|info|warning|error) worker \d+: (.*)$/s;

/** The last lines of workers that write no more. */
function lastLines(lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith("done "));
}

/** Makes sure that each line of each of so many workers is there once and whole. */
function assertComplete(lines: readonly string[], workers: number): void {
  assertEquals(lastLines(lines).length, workers);
  const ids = new Set(lines.flatMap((line) => /^(?:line|done) (\d+) /.exec(line)?.[1] ?? []));
  assertEquals(ids.size, workers);
  for (const id of ids) {
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

/** Ends the writing of the two workers there are, and the daemon; so many workers have ended before. */
async function halt(master: RunningMaster, pid: number, before = 0): Promise<void> {
  const workers = master.processes().filter((one) => one !== pid);
  const busy = (lines: readonly string[]) =>
    workers.every((one) => lines.some((line) => line.startsWith(`line ${one} 100 `)));
  await master.eventually(() => busy(allLines(master)), "lines of all workers");
  master.touch("halt");
  const done = () => lastLines(allLines(master)).length === before + 2;
  await master.eventually(done, "end of the writing");
  Deno.kill(pid, "SIGTERM");
  await master.eventually(() => master.processes().length === 0, "end of the daemon");
}

/** The log files that a process has open. */
function targets(master: RunningMaster, pid: number): Set<string> {
  const open = [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) => linkOf(pid, name));
  return new Set(
    open.filter((path) => path.startsWith(master.directory) && /\/log\.[^/]+$/.test(path)),
  );
}

/** Waits until the master and its workers write to the log file of that name, and to no other. */
async function allWriteTo(name: string, master: RunningMaster, pids: readonly number[]) {
  const only = (pid: number) => String([...targets(master, pid)]) === master.path(name);
  await master.eventually(() => pids.every(only), "everybody in the new log");
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
    await allWriteTo("log.txt", master, [pid, ...workers]);
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

/** Has the INI of a running instance say more, from the next reload on. */
function addToIni(master: RunningMaster, more: string): void {
  master.writeIni(master.read("app.ini").replace(/^\[uwsgi\]\n.*\n/, "") + more);
}

Deno.test("a reload with log-reopen ends in a new file, one without in the file that was renamed", async () => {
  const [running, pid] = await daemon("");
  await using master = running;
  Deno.renameSync(master.path("log.txt"), master.path("log.moved"));
  const reload = async (count: number) => {
    Deno.kill(pid, "SIGHUP");
    const finished = () =>
      allLines(master).filter((line) => line.includes('"reloadFinished"')).length === count &&
      lastLines(allLines(master)).length === 2 * count;
    await master.eventually(finished, "end of the reload and of the old workers");
  };
  await reload(1);
  await allWriteTo("log.moved", master, master.processes());
  // It counts for the reload that brings it.
  addToIni(master, "log-reopen = true");
  await reload(2);
  await allWriteTo("log.txt", master, master.processes());
  assertEquals(reopened(master), 1);
  await halt(master, pid, 4);
  assertComplete(allLines(master), 6);
});

Deno.test("log-maxsize rotates as soon as a reload has brought it, and no line is lost or split", async () => {
  const [running, pid] = await daemon("");
  await using master = running;
  addToIni(master, "log-maxsize = 100k");
  Deno.kill(pid, "SIGHUP");
  await master.eventually(() => reopened(master) >= 2, "rotated logs");
  await halt(master, pid, 2);
  assertComplete(allLines(master), 4);
  const rotated = [...Deno.readDirSync(master.directory)].map(({ name }) => name)
    .filter((name) => /^log\.txt\.\d+/.test(name));
  assertEquals(rotated.length, reopened(master));
  for (const name of rotated) assert(Deno.statSync(master.path(name)).size > 100 * 1024, name);
});

const QUIET = {
  "app.ts": `import uwsgi from "uwsgi"; uwsgi.serve(() => new Response("quiet"));`,
};

/** An instance whose log is `log.txt` and whatever the INI adds to it. */
function quiet(ini: string, files: Readonly<Record<string, string>> = {}): RunningMaster {
  return startMaster({
    ini: `http-socket = 127.0.0.1:0\ndeno-worker-override = app.ts\n${ini}`,
    files: { ...QUIET, ...files },
  });
}

/** Waits until a log has told of something, so often. */
async function told(master: RunningMaster, event: string, { log = "log.txt", times = 1 } = {}) {
  await master.until(() => master.read(log).split(`"${event}"`).length > times, event);
}

Deno.test("log-truncate empties all log files at the start, and none at a reload", async () => {
  const ini = "log-truncate = true\nlogto = log.txt\nlogger = stdio\nlogger = file:log.second\n";
  const old = "of another time\n";
  await using master = quiet(ini, { "log.txt": old, "log.second": old, "log.third": old });
  await told(master, "ready");
  const begin = ["log.txt", "log.second"].map((name) => [name, master.read(name)] as const);
  for (const [name, text] of begin) {
    assertMatch(text, /"ready"/, name);
    assert(!text.includes(old), name);
  }
  // This has the next program of the master open all of them.
  addToIni(master, "logger = file:log.third");
  master.signal("SIGHUP");
  await told(master, "reloadFinished");
  for (const [name, text] of [...begin, ["log.third", old]] as const) {
    assert(master.read(name).startsWith(text), name);
    assertMatch(master.read(name), /"reloadFinished"/, name);
  }
});

Deno.test("logfile-chmod is the mode of log files, whether found, made or rotated; else the umask counts", async () => {
  for (const [option, wanted] of [["", null], ["logfile-chmod = 604", 0o604]] as const) {
    await using master = quiet(
      `umask = 077\nlogto = log.txt\nlogger = stdio\nlogger = file:log.new\n` +
        `touch-logrotate = rotate\n${option}`,
      { "log.txt": "" },
    );
    const mode = (name: string) => (Deno.statSync(master.path(name)).mode ?? 0) & 0o777;
    await told(master, "ready");
    assertEquals(mode("log.txt"), wanted ?? mode("app.ts"), option);
    assertEquals(mode("log.new"), wanted ?? 0o600, option);
    master.touch("rotate");
    await told(master, "logReopened", { times: 2 });
    for (const name of ["log.txt", "log.new"]) assertEquals(mode(name), wanted ?? 0o600, option);
  }
});

Deno.test("logto2 is opened after the hooks of root, where chdir says, and again like any log file", async () => {
  await using master = quiet(
    "chdir = %DIR%/inside\nlogto2 = log.txt\ntouch-logreopen = reopen\nexec-as-root = echo a hook",
    { "inside/app.ts": QUIET["app.ts"] },
  );
  await told(master, "ready", { log: "inside/log.txt" });
  assertEquals(master.stdout, ["a hook"]);
  assertEquals([master.output, master.events], [[], []]);
  const everybody = master.processes();
  await allWriteTo("inside/log.txt", master, everybody);
  Deno.renameSync(master.path("inside/log.txt"), master.path("inside/log.moved"));
  master.touch("inside/reopen");
  await told(master, "logReopened", { log: "inside/log.txt" });
  await allWriteTo("inside/log.txt", master, everybody);
});

/** The events of an instance whose log was rotated. */
function countOf(master: RunningMaster, event: string): number {
  return allLines(master).filter((line) => line.includes(`"${event}"`)).length;
}

Deno.test("rotation leaves links, FIFOs and devices as they are, and says so once", async () => {
  using directory = new TempDirectory();
  const at = (name: string) => directory.at(name);
  await new Deno.Command("mkfifo", { args: [at("fifo")] }).output();
  // Somebody who reads: a FIFO that is opened for both does not wait.
  using _reader = Deno.openSync(at("fifo"), { read: true, write: true });
  directory.write("real", "");
  Deno.symlinkSync("real", at("link"));
  Deno.symlinkSync("/proc/self/fd/2", at("stderr"));
  // Only root may make a device, and not in every container.
  const device = await new Deno.Command("mknod", { args: [at("null"), "c", "1", "3"] }).output();
  const special = ["fifo", "link", "stderr", ...(device.success ? ["null"] : [])];
  const loggers = special.map((name) => `logger = file:${at(name)}\n`).join("");
  await using master = quiet(`logto = log.txt\n${loggers}touch-logrotate = rotate\n`);
  await told(master, "ready");
  const kinds = () => directory.names.map((name) => [name, Deno.lstatSync(at(name)).mode]);
  const before = kinds();
  for (const round of [1, 2]) {
    master.touch("rotate");
    await master.eventually(() => countOf(master, "logReopened") === round, "rotated log");
  }
  assertEquals(countOf(master, "logNotRotated"), special.length);
  assertEquals(kinds(), before);
});

Deno.test("a log that cannot be rotated is told once, and not each time that its size is looked at", async () => {
  // What rotates the second file is written to it, so that it counts how often the master has looked.
  await using master = quiet(
    "logger = file:logfile=log.txt,maxsize=1,backupname=nowhere/log\n" +
      "logger = file:logfile=log.count,maxsize=1,backupname=log.old\nlogger = stdio\n",
  );
  const looks = () => master.events.filter(({ event }) => event === "logReopened").length;
  await master.eventually(() => looks() >= 3, "three looks at the size");
  const failed = () => master.events.filter(({ event }) => event === "logReopenFailed");
  assertEquals(failed().map(({ fields }) => fields.path), [master.path("log.txt")]);
  // It is rotated as soon as it can be, and told again when it cannot then.
  Deno.mkdirSync(master.path("nowhere"));
  const rotated = () => master.events.some(({ fields }) => fields.path === master.path("log.txt"));
  await master.eventually(
    () => rotated() && master.read("nowhere/log") !== "",
    "rotation of the first file",
  );
});

Deno.test("log-keep removes renamed files of a log beyond its number, and nothing else", async () => {
  const strangers = ["log.txt.1", "log.txt.old", "log.txt.1700000000.gz", "other.1700000000"];
  await using master = quiet(
    "logto = log.txt\nlog-keep = 2\ntouch-logrotate = rotate\n",
    Object.fromEntries(
      [...strangers, "log.txt.1600000000", "log.txt.1600000000.2", "log.txt.1600000000.10"].map((
        name,
      ) => [name, name]),
    ),
  );
  await told(master, "ready");
  Deno.mkdirSync(master.path("log.txt.1500000000"));
  Deno.symlinkSync("log.txt.1", master.path("log.txt.1500000001"));
  const renamed = () =>
    [...Deno.readDirSync(master.directory)].filter(({ name, isFile }) =>
      isFile && /^log\.txt\.\d{10}(\.\d+)?$/.test(name)
    ).map(({ name }) => name).sort();
  master.touch("rotate");
  await master.eventually(() => renamed().length === 2, "two renamed files");
  assertEquals(renamed()[0], "log.txt.1600000000.10");
  const first = renamed()[1];
  master.touch("rotate");
  await master.eventually(
    () => renamed().length === 2 && !renamed().includes("log.txt.1600000000.10"),
    "the two youngest",
  );
  assertEquals(renamed().includes(first ?? ""), true);
  for (const name of [...strangers, "log.txt.1500000000", "log.txt.1500000001"]) {
    Deno.lstatSync(master.path(name));
  }
});
