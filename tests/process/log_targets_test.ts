import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { DatagramReceiver } from "../helpers/datagram_receiver.ts";
import { getUnix } from "../helpers/http.ts";
import { journalFields } from "../helpers/journal_fields.ts";
import { type MasterOptions, readyMaster, RunningMaster } from "../helpers/running_master.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";

const TALKATIVE = `import uwsgi from "uwsgi";
console.log("starting");
uwsgi.serve((request) => {
  const text = decodeURIComponent(new URL(request.url).search.slice(1));
  switch (new URL(request.url).pathname) {
    case "/log": uwsgi.log(text); break;
    case "/error": console.error(new Error(text)); break;
    case "/raw": Deno.stderr.writeSync(new TextEncoder().encode(text + "\\n")); break;
    case "/die": setTimeout(() => { throw new Error(text); }); break;
  }
  return new Response("ok");
});`;

/** A master that serves at `app.sock`, wherever its log goes. */
async function serving(options: MasterOptions): Promise<RunningMaster> {
  const ini = `http-socket = %DIR%/app.sock\nchain-reload-verify = 0\n` +
    `deno-worker-override = app.ts\n${options.ini}`;
  const master = new RunningMaster({ ...options, ini });
  await master.until(() => ask(master, "/").then(() => true, () => false), "first answer");
  return master;
}

/** The answer to a request, on a connection of its own. */
function ask(master: RunningMaster, page: string): Promise<string> {
  return getUnix(master.path("app.sock"), page);
}

/** Every line of a log as an object. */
function objects(text: string): Record<string, unknown>[] {
  return text.split("\n").slice(0, -1).map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** What a worker has printed, with its properties. */
function entries(text: string): { message: string; logger: string; properties: unknown }[] {
  return objects(text) as unknown as { message: string; logger: string; properties: unknown }[];
}

Deno.test("with json every line is an object, also the last words of a worker, and after an exec", async () => {
  const ini = `logto = %DIR%/log.txt
attach-daemon = echo from a daemon; echo its error >&2; exec sleep 1000`;
  await using running = await serving({ ini, files: { "app.ts": TALKATIVE } });
  const log = () => running.read("log.txt");
  await ask(running, "/log?one%0Atwo");
  await ask(running, "/error?boo");
  await ask(running, "/raw?written%20past%20the%20log");
  await running.eventually(() => log().includes("past the log"), "raw output");
  await ask(running, "/die?the%20very%20end");
  await running.eventually(() => log().includes('"died"'), "death");
  const found = entries(log());
  const words = found.filter(({ message }) => /the very end/.test(message));
  assert(words.length > 0);
  for (const { logger, properties } of words) {
    assertEquals(logger, "worker");
    const { worker, pid, generation } = properties as Record<string, number>;
    assertEquals([worker, generation], [1, 1]);
    assert(Number(pid) > 0);
  }
  assert(found.some(({ message }) => message === "one\ntwo"));
  assert(found.some(({ message }) => /^Error: boo\n\s+at /.test(message)));
  assert(found.some(({ message }) => message === "from a daemon"));
  assert(found.some(({ message }) => message === "its error"));
  assertEquals([running.output, running.stdout], [[], []]);

  // The next program of the master, whose workers cannot start, hears the last words of an old one.
  running.writeIni(`http-socket = %DIR%/app.sock
chain-reload-verify = 0
deno-worker-override = app.ts
${ini}
logger = file:%DIR%/second.txt`);
  running.write({ "app.ts": "throw new Error('broken');" });
  const second = () => running.read("second.txt");
  running.signal("SIGHUP");
  await running.eventually(() => second().includes('"reloadFinished"'), "failed reload");
  running.write({ "app.ts": TALKATIVE });
  await ask(running, "/die?words%20of%20an%20old%20worker");
  await running.eventually(() => second().includes('"died"'), "death of the old worker");
  assertMatch(second(), /"message":"[^"]*words of an old worker/);
  await running.until(() => ask(running, "/").then(() => true, () => false), "answer");
  await ask(running, "/log?to%20the%20second%20file");
  assertStringIncludes(second(), "to the second file");
  assert(!log().includes("to the second file"));
  // What standard error was before, this program cannot know.
  running.writeIni(`http-socket = %DIR%/app.sock
chain-reload-verify = 0
deno-worker-override = app.ts
${ini.replace(/^logto.*/, "")}
logger = file:%DIR%/second.txt`);
  running.signal("SIGHUP");
  await running.eventually(
    () => /logto has changed, which takes effect only after a restart/.test(second()),
    "word of the restart",
  );
  for (const name of ["log.txt", "second.txt"]) objects(running.read(name));
  assertEquals(await running.stop(), 0);
});

Deno.test("syslog gets RFC 5424 over a Unix socket, UDP and TCP, and each may be away for a while", async () => {
  using directory = new TempDirectory();
  using udp = DatagramReceiver.udp();
  const tcp = new TcpReceiver();
  const path = directory.at("log");
  let unix = DatagramReceiver.unix(path);
  await using running = await serving({
    ini: `logger = stdio
logger = syslog:ident=app,facility=local0,address=${path}
logger = rsyslog:127.0.0.1:${udp.port},app
logger = rsyslog:tcp://127.0.0.1:${tcp.port},app`,
    files: { "app.ts": TALKATIVE },
  });
  const say = (text: string) => ask(running, `/log?${encodeURIComponent(text)}`);
  const header = (facility: number, text: string) =>
    new RegExp(
      `^<${facility * 8 + 6}>1 \\d{4}-\\S+Z \\S+ app \\d+ worker ` +
        `\\[duwsgi@32473 worker="1" generation="1" stream="log"\\] \\{.*"message":"${text}"`,
    );
  const has = (texts: readonly string[], expected: RegExp) =>
    texts.some((text) => expected.test(text));
  await say("first");
  await running.until(() => has(unix.texts, header(16, "first")), "Unix");
  await running.until(() => has(udp.texts, header(3, "first")), "UDP");
  await running.until(() => has(tcp.messages(), header(3, "first")), "TCP");
  // Nobody waits for those who are away.
  unix[Symbol.dispose]();
  Deno.removeSync(path);
  await tcp.goAway();
  for (let i = 0; i < 20; i++) assertStringIncludes(await say("into the void"), " 200 ");
  unix = DatagramReceiver.unix(path);
  tcp.comeBack();
  let round = 0;
  const back = async (texts: () => readonly string[]) => {
    await running.until(async () => {
      await say(`again ${round++}`);
      return texts().some((text) => /again \d+/.test(text));
    }, "receiver that is back");
  };
  await back(() => unix.texts);
  await back(() => tcp.messages());
  unix[Symbol.dispose]();
  assertEquals(await running.stop(), 0);
  await tcp.goAway();
});

/** Receives messages of RFC 6587 over TCP, and may go away and come back at the same port. */
class TcpReceiver {
  readonly port: number;
  #listener: Deno.TcpListener;
  #connections: Deno.TcpConn[] = [];
  #text = "";
  #done: Promise<void>[] = [];

  constructor() {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    this.#done.push(this.#accept());
  }

  /** The messages so far; those of several senders come one after the other. */
  messages(): string[] {
    return this.#text.split(/(?:^|(?<=\}))\d+ (?=<)/).slice(1);
  }

  async goAway(): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections.splice(0)) connection.close();
    await Promise.all(this.#done.splice(0));
    this.#text = "";
  }

  comeBack(): void {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: this.port });
    this.#done.push(this.#accept());
  }

  async #accept(): Promise<void> {
    try {
      for await (const connection of this.#listener) {
        this.#connections.push(connection);
        this.#done.push(this.#read(connection));
      }
    } catch {
      // It went away.
    }
  }

  async #read(connection: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      while (true) {
        const length = await connection.read(buffer);
        if (length === null) return;
        this.#text += new TextDecoder().decode(buffer.subarray(0, length));
      }
    } catch {
      // It went away.
    }
  }
}

Deno.test("the journal gets fields, routes choose targets, and what is drained is nowhere", async () => {
  using directory = new TempDirectory();
  using journal = DatagramReceiver.unix(directory.at("journal"));
  using raw = DatagramReceiver.udp();
  await using running = await serving({
    ini: `log-encoder = text
logger = stdio
logger = systemd:ident=app,address=${directory.at("journal")}
logger = alerts socket:127.0.0.1:${raw.port}
log-route = alerts ^alert
log-drain = secret
log-encoder = json:alerts {"alert":"\${msg}","by":\${worker}}`,
    files: { "app.ts": TALKATIVE },
  });
  await ask(running, "/log?a%20secret");
  await ask(running, "/log?alert%20%22one%22");
  await ask(running, "/error?two");
  const fields = () => journal.messages.map(journalFields);
  await running.until(
    () => fields().some((one) => /^Error: two\n\s+at /.test(one.get("MESSAGE") ?? "")),
    "journal",
  );
  const error = fields().find((one) => one.get("MESSAGE")?.startsWith("Error: two"));
  assertEquals(error?.get("PRIORITY"), "3");
  assertEquals(error?.get("SYSLOG_IDENTIFIER"), "app");
  assertEquals([error?.get("DUWSGI_WORKER"), error?.get("DUWSGI_GENERATION")], ["1", "1"]);
  await running.until(() => raw.texts.length > 0, "alert");
  assertEquals(raw.texts.map((text) => JSON.parse(text)), [{ alert: 'alert "one"', by: 1 }]);
  const everywhere = [...fields().map((one) => one.get("MESSAGE")), ...running.output].join("\n");
  assert(!everywhere.includes("secret"));
  assert(!everywhere.includes("alert"));
  assertEquals(await running.stop(), 0);
});

Deno.test("logto and logto2 with an address: each line of master and workers is a datagram", async () => {
  for (const [option, encoder] of [["logto", "text"], ["logto2", "json"]] as const) {
    using udp = DatagramReceiver.udp();
    await using running = await serving({
      ini: `log-encoder = ${encoder}\n${option} = 127.0.0.1:${udp.port}`,
      files: { "app.ts": TALKATIVE },
    });
    const has = (line: string) => udp.texts.some((text) => text.includes(line));
    const pages = [
      "/log?alpha",
      "/error?beta",
      "/raw?kappa%0Alambda",
      "/log?omega",
      "/die?the%20end",
    ];
    for (const page of pages) {
      await ask(running, page).catch(() => "it died of that");
    }
    const said = ["starting", "alpha", "Error: beta", "kappa", "lambda", "omega"];
    for (const line of [...said, "Error: the end", "exited with"]) {
      await running.until(() => has(line), `datagram with "${line}"`);
    }
    // A stack trace is an entry of several lines; it is one object in JSON.
    const lines = udp.texts.filter((text) =>
      encoder === "json" || /alpha|kappa|lambda|omega|accept/.test(text)
    );
    for (const line of lines) assertMatch(line, /^[^\n]+\n$/);
    if (encoder === "json") objects(udp.texts.join(""));
    assertEquals(udp.texts.filter((text) => /alpha|omega/.test(text)).length, 2);
    // Nobody is there any more: the kernel says so to who writes, and no one minds.
    udp[Symbol.dispose]();
    await running.until(() => ask(running, "/").then(() => true, () => false), "the next worker");
    for (const page of ["/log?void", "/error?void", "/raw?void", "/raw?void", "/log?void"]) {
      assertStringIncludes(await ask(running, page), " 200 ");
    }
    assertEquals(await running.stop(), 0);
    assertEquals([running.output, running.stdout, running.events], [[], [], []]);
  }
});

Deno.test("on an address, requests that end at the same time are datagrams each, too", async () => {
  using udp = DatagramReceiver.udp();
  await using running = await serving({
    ini: `log-encoder = text\nlog-requests = true\nlogto = 127.0.0.1:${udp.port}`,
    files: {
      "app.ts": `import uwsgi from "uwsgi";
const waiting: ((response: Response) => void)[] = [];
uwsgi.serve((request) => {
  if (!request.url.includes("/page-")) return new Response("ok");
  const { promise, resolve } = Promise.withResolvers<Response>();
  if (waiting.push(resolve) === 20) waiting.forEach((answer) => answer(new Response("all")));
  return promise;
});`,
    },
  });
  const pages = Array.from({ length: 20 }, (_, i) => `/page-${i}-`);
  await Promise.all(pages.map((page) => ask(running, page)));
  for (const page of pages) {
    await running.until(() => udp.texts.some((text) => text.includes(page)), `a line of ${page}`);
  }
  const lines = udp.texts.filter((text) => text.includes("/page-"));
  for (const line of lines) assertMatch(line, /^[^\n]+\n$/);
  assertEquals(lines.length, pages.length);
});

Deno.test("log-syslog, log-socket and log-systemd are loggers, each of its kind", async () => {
  using directory = new TempDirectory();
  const [syslogPath, journalPath] = [directory.at("log"), directory.at("journal")];
  using syslog = DatagramReceiver.unix(syslogPath);
  using journal = DatagramReceiver.unix(journalPath);
  using raw = DatagramReceiver.udp();
  await using running = await serving({
    ini: `log-encoder = text
log-syslog = ident=app,facility=local0,address=${syslogPath}
log-socket = 127.0.0.1:${raw.port}
log-systemd = ident=app,address=${journalPath}`,
    files: { "app.ts": TALKATIVE },
  });
  await ask(running, "/log?everywhere");
  await running.until(
    () => syslog.texts.some((text) => /^<134>1 .* everywhere$/.test(text)),
    "syslog",
  );
  const dated = /^[\d-]{10} [\d:.]{12} [+-]\d\d:\d\d info worker 1: everywhere$/;
  await running.until(() => raw.texts.some((text) => dated.test(text)), "datagram");
  const messages = () => journal.messages.map((one) => journalFields(one).get("MESSAGE"));
  await running.until(() => messages().includes("everywhere"), "field of the journal");
  assertEquals(await running.stop(), 0);
  // Standard error is no target any more.
  assertEquals(running.output, []);
});

Deno.test("log-date is before every entry that log-filter keeps, and a line is as long as it is", async () => {
  // The last three are uWSGI's, for a master that all lines pass, in buffers. There is none.
  await using running = await serving({
    ini: `log-encoder = text
log-date = %%Y/%%m/%%d at %%H:%%M
log-filter = ^kept
log-filter = worker accepts
log-master = true
threaded-logger = true
log-master-bufsize = 64`,
    files: { "app.ts": TALKATIVE },
  });
  const long = `kept ${"x".repeat(2000)}`;
  for (const text of [long, "not kept", "kept, too"]) {
    await ask(running, `/log?${encodeURIComponent(text)}`);
  }
  await running.until(() => running.output.length >= 3, "lines");
  assertEquals(await running.stop(), 0);
  const undated = running.output.map((line) =>
    /^\d{4}\/\d\d\/\d\d at \d\d:\d\d - (.*)$/.exec(line)?.[1] ?? `no date: ${line}`
  );
  assertEquals(undated.filter((text) => /^kept/.test(text)), [long, "kept, too"]);
  const others = undated.filter((text) => !/^kept/.test(text));
  assertEquals(others.map((text) => text.replace(/ after .*/, "")), ["info The worker accepts"]);
});

const WRITER = `import uwsgi from "uwsgi";
const id = uwsgi.worker_id();
const body = "x".repeat(65_536);
let written = 0;
uwsgi.serve(() => {
  for (let i = 0; i < 20; i++) {
    const write = written % 2 === 0 ? uwsgi.log : console.error;
    write("<" + id + " " + written++ + " " + body + ">");
  }
  return new Response(String(id));
});`;

Deno.test("64 KB lines of eight workers stay whole in a pipe and in files that are rotated by size", async () => {
  await using running = await serving({
    ini: `processes = 8
logger = stdio
logger = file:logfile=%DIR%/log.big,maxsize=3m
logger = small file:logfile=%DIR%/log.small,maxsize=1k,backupname=%DIR%/log.small.old
log-route = small ^(worker|Log file)`,
    files: { "app.ts": WRITER },
  });
  const ids = new Set<string>();
  const rotated = () =>
    [...Deno.readDirSync(running.directory)].filter(({ name }) => /^log\.big\.\d/.test(name))
      .length;
  await running.until(async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => ask(running, "/")),
    );
    for (const answer of answers) ids.add(answer.trimEnd().slice(-1));
    return ids.size >= 4 && rotated() >= 2 && running.output.length > 320;
  }, "lines of many workers in rotated files");
  assertEquals(await running.stop(), 0);
  const names = [...Deno.readDirSync(running.directory)].map(({ name }) => name);
  const inFiles = names.filter((name) => name.startsWith("log.big"))
    .flatMap((name) => entries(running.read(name))).map(({ message }) => message);
  assert(entries(running.read("log.small.old")).length > 0);
  const lines = (all: readonly string[]) => all.filter((line) => /^</.test(line));
  for (const line of [...lines(inFiles), ...lines(running.output)]) {
    assertMatch(line, /^<\d \d+ x{65536}>$/);
  }
  // Both targets have the same lines, each once.
  const heads = (all: readonly string[]) => lines(all).map((line) => line.slice(0, 20)).sort();
  assertEquals(heads(inFiles), heads(running.output));
  assertEquals(new Set(heads(inFiles)).size, heads(inFiles).length);
});

Deno.test("without foreign functions the master puts everything into JSON, line by line and once", async () => {
  for (const permissions of [["-A", "--deny-ffi"], ["-A"]]) {
    const { master } = await readyMaster({
      ini: `http-socket = 127.0.0.1:0
deno-worker-override = app.ts
${permissions.length === 1 ? "deno-flag = --deny-ffi" : ""}`,
      files: {
        "app.ts": `import uwsgi from "uwsgi";
uwsgi.log("one\\ntwo");
console.log("three");
uwsgi.serve(() => new Response("ok"));`,
      },
      permissions,
    });
    await using running = master;
    await running.until(() => running.stdout.includes("three"), "what the worker prints");
    assertEquals(running.output.filter((line) => !/^(one|two)$/.test(line)), []);
    assertEquals(running.output.length, 2);
    assertEquals(await running.stop(), 0);
  }
});
