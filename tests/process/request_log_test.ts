/** The request log, with real requests. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { DatagramReceiver } from "../helpers/datagram_receiver.ts";
import { getText, getUnix } from "../helpers/http.ts";
import {
  type LogEvent,
  readyMaster,
  type RunningMaster,
  startMaster,
} from "../helpers/running_master.ts";

/** Answers in as many ways as there are things to log. */
const APP = `import uwsgi from "uwsgi";
async function* pieces() {
  yield new Uint8Array(10);
  await new Promise((done) => setTimeout(done, 60));
  yield new Uint8Array(5);
}
const same = new Error("the same for all");
const handler = async (request) => {
  const { pathname, searchParams } = new URL(request.url);
  switch (pathname) {
    case "/status":
      return new Response("answer", { status: Number(searchParams.get("is")) });
    case "/empty":
      return new Response(null);
    case "/big":
      return new Response("ä".repeat(1000));
    case "/slow":
      await new Promise((done) => setTimeout(done, 60));
      return new Response("slow");
    case "/stream":
      return new Response(ReadableStream.from(pieces()));
    case "/endless":
      return new Response(new ReadableStream({
        async pull(to) {
          await new Promise((done) => setTimeout(done, 5));
          to.enqueue(new Uint8Array(9));
        },
      }));
    case "/throw":
      throw same;
    case "/exit":
      setTimeout(() => Deno.exit(0), 1);
      return new Response("left");
    case "/crash":
      Promise.resolve().then(() => Promise.reject(new Error("the end")));
      return new Response("crashed");
    case "/marked":
      uwsgi.log_this_request(request);
      uwsgi.set_logvar(request, "who", 'a "b"\\n' + uwsgi.get_logvar(request, "nobody"));
      return new Response("marked");
  }
  return new Response("Hello");
};
if (uwsgi.opt.metric !== undefined) uwsgi.metric_set("own", 7);
const onError = () => new Response("sorry", { status: 503 });
const [first, ...others] = uwsgi.sockets;
first.serve(handler);
for (const socket of others) socket.serve(handler, { onError });
uwsgi.accepting();
`;

const BASE = "worker-reload-mercy = 3\ndeno-worker-override = app.ts\n";

async function start(ini: string) {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0\nsocket = %DIR%/app.sock\n${BASE}${ini}`,
    files: { "app.ts": APP },
  });
  return { master, url: `http://${addresses[0]}`, socket: addresses[1] ?? "" };
}

function requests(master: RunningMaster): readonly LogEvent[] {
  return master.events.filter(({ event }) => event === "request");
}

/** Waits until so many requests are logged; more would be wrong. */
async function logged(master: RunningMaster, count: number): Promise<readonly LogEvent[]> {
  await master.until(() => requests(master).length >= count, `${count} lines`);
  assertEquals(requests(master).length, count);
  return requests(master);
}

/** What the log says of one page. */
function lineOf(lines: readonly LogEvent[], uri: string): LogEvent["fields"] {
  return lines.find(({ fields }) => fields.uri === uri)?.fields ?? {};
}

Deno.test("every request is logged when its response has been sent, over TCP and Unix sockets", async () => {
  const { master, url, socket } = await start("log-requests = true");
  await using running = master;
  for (const page of ["/status?is=404", "/empty", "/big", "/slow", "/stream", "/throw"]) {
    await getText(url + page);
  }
  await getUnix(socket, "/unix?a=b");
  await Promise.all(["/throw", "/throw"].map((page) => getUnix(socket, page)));
  const lines = await logged(running, 9);
  const wid = 1;
  const pid = running.acceptingPids().get(wid);
  const { micros, ...missing } = lineOf(lines, "/status?is=404");
  assertEquals(missing, {
    ...{ event: "request", pid, wid, addr: "127.0.0.1", user: null, method: "GET" },
    ...{ uri: "/status?is=404", status: 404, rsize: 6 },
  });
  assert(Number(micros) >= 0);
  assertEquals(lineOf(lines, "/empty").rsize, 0);
  assertEquals(lineOf(lines, "/big").rsize, 2000);
  assert(Number(lineOf(lines, "/slow").micros) >= 59_000);
  // A stream takes as long as its last piece, and nobody has added its pieces up.
  assert(Number(lineOf(lines, "/stream").micros) >= 59_000);
  assertEquals(lineOf(lines, "/stream").rsize, null);
  assertEquals(lineOf(lines, "/unix?a=b").addr, null);
  const thrown = lines.filter(({ fields }) => fields.uri === "/throw").map(({ fields }) =>
    [fields.status, fields.rsize].join()
  );
  assertEquals(thrown, ["500,21", "503,5", "503,5"]);
  assertMatch(
    lines[0]?.message ?? "",
    /^\[pid: \d+\|worker: 1\] 127\.0\.0\.1 \(-\) \[\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\] GET \/status\?is=404 => generated 6 bytes in \d+ msecs \(status 404\)$/,
  );
});

Deno.test("with disable-logging only what a filter matches is logged, and what the script marks", async () => {
  const { master, url } = await start(
    "disable-logging = true\nlog-4xx = true\nlog-5xx = true\nlog-zero = true\nlog-slow = 50\n" +
      "metric = own\nlog-big = 2000\nlog-format = %(uri) %(status) %(who) %(metric.own)%(metric.none)",
  );
  await using running = master;
  const pages = ["/", "/status?is=299", "/status?is=399", "/status?is=400", "/status?is=499"];
  const more = ["/status?is=599", "/throw", "/empty", "/big", "/slow", "/marked"];
  for (const page of [...pages, ...more]) await getText(url + page);
  const lines = (await logged(running, 8)).map(({ message }) => message);
  assertEquals(lines, [
    ...["/status?is=400 400 - 7-", "/status?is=499 499 - 7-", "/status?is=599 599 - 7-"],
    ...["/throw 500 - 7-", "/empty 200 - 7-", "/big 200 - 7-", "/slow 200 - 7-"],
    ...['/marked 200 a \\"b\\"\\u000anull 7-'],
  ]);
});

Deno.test("what clients send cannot break a line of the log", async () => {
  await using master = startMaster({
    ini: `http-socket = %DIR%/app.sock\nlog-encoder = text\nlog-x-forwarded-for = true\n${BASE}` +
      'log-format = {"addr":"%(addr)","uri":"%(uri)","agent":"%(uagent)","x":"%(var.HTTP_X_OWN)"}',
    files: { "app.ts": APP },
  });
  await master.until(
    () => master.output.some((line) => line.includes("accepts after")),
    "ready master",
  );
  const evil = 'a","uri":"/forged"}\\';
  using connection = await Deno.connect({ transport: "unix", path: master.path("app.sock") });
  const head = [
    `GET /"\\?x={"} HTTP/1.1`,
    "Host: localhost",
    `User-Agent: ${evil}\t\x9b2J`,
    `X-Forwarded-For: 192.0.2.1"\\ , 10.0.0.1`,
    `X-Own: ${evil}`,
    "Connection: close",
  ].join("\r\n");
  await connection.write(Uint8Array.from(`${head}\r\n\r\n`, (one) => one.charCodeAt(0)));
  await new Response(connection.readable).text();
  await master.until(() => master.output.some((line) => line.startsWith("{")), "line of the log");
  const line = master.output.find((line) => line.startsWith("{")) ?? "";
  // There is nothing in it that a terminal obeys.
  assert(!/\p{Cc}/u.test(line));
  assertEquals(JSON.parse(line), {
    addr: '192.0.2.1"\\',
    uri: '/"\\?x={"}',
    agent: `${evil}\t\x9b2J`,
    x: evil,
  });
});

Deno.test("there are as many lines as requests, all of them whole, across a chain reload and a stop", async () => {
  const { master, url } = await start(
    "processes = 2\nlog-requests = true\ntouch-chain-reload = reload",
  );
  await using running = master;
  const sent: string[] = [];
  let over = false;
  const client = async (id: number) => {
    for (let i = 0; !over; i++) {
      const page = `/?${id}-${i}-${"x".repeat(i % 500)}`;
      assertEquals(await getText(url + page), "Hello");
      sent.push(page);
    }
  };
  const clients = Array.from({ length: 8 }, (_, id) => client(id));
  running.touch("reload");
  await running.waitFor("reloadFinished");
  over = true;
  await Promise.all(clients);
  assertEquals(await running.stop(), 0);
  const uris = requests(running).map(({ fields }) => String(fields.uri));
  assertEquals(uris.toSorted(), sent.toSorted());
  assertEquals(running.output.filter((line) => line.includes("pid:")), []);
});

Deno.test("no line is lost when a worker exits or crashes, and streams that it cuts off are logged", async () => {
  const { master, url } = await start("log-format = %(uri) %(werr)\nlog-requests = true");
  await using running = master;
  const reader = (await fetch(`${url}/endless`)).body?.getReader();
  await reader?.read();
  await getText(`${url}/exit`);
  await running.waitFor("died");
  await reader?.read().catch(() => {});
  await reader?.cancel().catch(() => {});
  await running.until(() => running.count("accepting") === 2, "next worker");
  await getText(`${url}/crash`).catch(() => {});
  const lines = await logged(running, 3);
  assertEquals(lines.map(({ message }) => message), ["/exit 0", "/endless 1", "/crash 0"]);
});

Deno.test("req-logger, log-req-route and log-req-encoder keep requests apart from the log", async () => {
  using udp = DatagramReceiver.udp();
  const { master, url } = await start(`log-format = %(method) %(uri)
req-logger = file:%DIR%/requests.log
req-logger = api socket:127.0.0.1:${udp.port}
log-req-route = api ^GET /status
log-req-encoder = suffix  !
log-req-encoder = json:api {"request":"\${msg}"}`);
  await using running = master;
  for (const page of ["/empty", "/status?is=299", "/big"]) await getText(url + page);
  const file = () => running.read("requests.log");
  await running.until(() => file().includes("/big"), "line of the file");
  assertEquals(file(), "GET /empty !\nGET /big !\n");
  await running.until(() => udp.messages.length > 0, "datagram");
  assertEquals(udp.texts, ['{"request":"GET /status?is=299 !"}']);
  assertEquals(await running.stop(), 0);
  assertEquals([requests(running), running.output], [[], []]);
});

Deno.test("log-micros and memory-report change the default line", async () => {
  const { master, url } = await start(
    "log-requests = true\nlog-micros = true\nmemory-report = true",
  );
  await using running = master;
  await getText(`${url}/slow`);
  const [line] = await logged(running, 1);
  const usage =
    /^\{address space usage: (\d+) bytes\/(\d+)MB\} \{rss usage: (\d+) bytes\/(\d+)MB\} \[/;
  const sizes = usage.exec(line?.message ?? "")?.slice(1).map(Number) ?? [];
  const [vsz = 0, vszM, rss = 0, rssM] = sizes;
  assert(vsz > rss && rss > 0, line?.message);
  assertEquals([vszM, rssM], [vsz, rss].map((bytes) => Math.floor(bytes / 2 ** 20)));
  const took = Number(/ in (\d+) micros \(status 200\)$/.exec(line?.message ?? "")?.[1]);
  assert(took >= 59_000, line?.message);
});
