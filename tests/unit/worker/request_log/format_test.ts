/** Lines of the request log. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { compileFormat, type FormatSettings } from "../../../../lib/worker/request_log/format.ts";
import type { RequestRecord, WorkerFacts } from "../../../../lib/worker/request_record.ts";

const PLAIN: FormatSettings = { format: "", json: false, micros: false, memory: false };

const WORKER: WorkerFacts = {
  pid: 4242,
  slot: 3,
  hostname: "host.example",
  memory: () => ({ rss: 104_857_600, as: 209_715_201 }),
  metric: (name) => name === "worker.1.requests" ? 17 : null,
};

const STARTED_AT = new Date(2026, 10, 6, 2, 9, 5, 250).getTime();

function record(changes: Partial<RequestRecord> = {}): RequestRecord {
  return {
    request: {},
    method: "POST",
    uri: "/a/b?c=d",
    address: "192.0.2.1",
    port: 50_000,
    secure: false,
    protocol: null,
    headers: [],
    startedAt: STARTED_AT,
    since: 0,
    durationMs: 12.3456,
    status: 201,
    bytes: 1234,
    failed: false,
    variables: new Map([["who", "Jürgen"]]),
    ...changes,
  };
}

/** The line of a format, with headers by name. */
function line(format: string, headers: Readonly<Record<string, string>> = {}): string {
  const compiled = compileFormat({ ...PLAIN, format }, WORKER);
  return compiled.line(record({ headers: compiled.headers.map((name) => headers[name] ?? null) }));
}

Deno.test("the default line is much like uWSGI's", () => {
  const time = "[Fri Nov  6 02:09:05 2026]";
  assertEquals(
    compileFormat(PLAIN, WORKER).line(record()),
    `[pid: 4242|worker: 3] 192.0.2.1 (-) ${time} POST /a/b?c=d => generated 1234 bytes in 12 msecs ` +
      "(status 201)",
  );
  assertEquals(
    compileFormat({ ...PLAIN, micros: true, memory: true }, WORKER).line(record()),
    "{address space usage: 209715201 bytes/200MB} {rss usage: 104857600 bytes/100MB} " +
      `[pid: 4242|worker: 3] 192.0.2.1 (-) ${time} POST /a/b?c=d => generated 1234 bytes in ` +
      "12346 micros (status 201)",
  );
});

Deno.test("log-format has uWSGI's variables", () => {
  const seconds = Math.floor(STARTED_AT / 1000);
  const expected: Readonly<Record<string, string>> = {
    ...{ uri: "/a/b?c=d", method: "POST", addr: "192.0.2.1", proto: "-", status: "201" },
    ...{ rsize: "1234", size: "1234", hsize: "-", msecs: "12", micros: "12346", secs: "0.012346" },
    ...{ time: `${seconds}`, epoch: `${seconds}`, tmsecs: `${STARTED_AT}` },
    ...{ tmicros: `${STARTED_AT}000`, ctime: "Fri Nov  6 02:09:05 2026" },
    ...{ pid: "4242", wid: "3", core: "0", rss: "104857600", rssM: "100", vszM: "200" },
    ...{ werr: "0", ioerr: "0", switches: "-", vars: "-", headers: "-", modifier1: "-" },
    ...{ "metric.worker.1.requests": "17", "metric.none": "-", who: "Jürgen", nobody: "-" },
    ...{ "var.REQUEST_METHOD": "POST", "var.REQUEST_URI": "/a/b?c=d", "var.PATH_INFO": "/a/b" },
    ...{ "var.QUERY_STRING": "c=d", "var.REMOTE_ADDR": "192.0.2.1", "var.REMOTE_PORT": "50000" },
    ...{ "var.SERVER_NAME": "host.example", "var.REQUEST_SCHEME": "http", "var.NONE": "-" },
    ...{ constructor: "-", __proto__x: "-", "": "-" },
  };
  for (const [name, value] of Object.entries(expected)) {
    assertEquals(line(`%(${name})`), value, name);
  }
  assert(/^06\/Nov\/2026:02:09:05 [+-]\d{4}$/.test(line("%(ltime)")), line("%(ltime)"));
  assertEquals(line("%(ftime)"), line("%(ltime)"));
});

Deno.test("log-format has request headers, as CGI calls them too", () => {
  const headers = {
    ...{ "user-agent": "curl", referer: "/from", host: "a.example", "content-length": "7" },
    ...{ "x-own": "mine", "content-type": "text/plain" },
  };
  assertEquals(
    line("%(uagent) %(referer) %(host) %(cl) %(var.HTTP_X_OWN) %(var.CONTENT_TYPE)", headers),
    "curl /from a.example 7 mine text/plain",
  );
  assertEquals(line("%(var.HTTP_HOST) %(uagent)%(uagent) %(cl)", { host: "h" }), "h -- -");
  assertEquals(line("%(cl)", { "content-length": "7; DROP" }), "-");
  const { headers: asked } = compileFormat({ ...PLAIN, format: "%(host)%(var.HTTP_HOST)" }, WORKER);
  assertEquals(asked, ["host"]);
});

Deno.test("log-format keeps what is no variable", () => {
  assertEquals(line("100% (of) %(method %(status)) %"), "100% (of) %(method 201) %");
  assertEquals(line("plain"), "plain");
});

Deno.test("a JSON line is one object, whose fields have types", () => {
  const json = { ...PLAIN, json: true };
  assertEquals(JSON.parse(compileFormat(json, WORKER).line(record())), {
    "@timestamp": new Date(STARTED_AT).toISOString(),
    level: "INFO",
    message: compileFormat(PLAIN, WORKER).line(record()),
    logger: "request",
    properties: {
      ...{ event: "request", pid: 4242, wid: 3, addr: "192.0.2.1", user: null, method: "POST" },
      ...{ uri: "/a/b?c=d", status: 201, rsize: 1234, micros: 12346 },
    },
  });
  const own = compileFormat({ ...json, format: '%(status) %(who) %(no"ne) %(status)' }, WORKER);
  assertEquals(JSON.parse(own.line(record())).properties, {
    ...{ event: "request", status: 201, who: "Jürgen", 'no"ne': null },
  });
});

const anyText = fc.string({
  unit: fc.constantFrom(...'ab"\\\n\r\t\0\x1b\x7f\x9b\u2028é€', "😀", "\ud800"),
});

Deno.test("whatever clients send, a line is one line, and JSON stays JSON", () => {
  const format = '{"uri":"%(uri)","agent":"%(uagent)"}';
  const text = compileFormat({ ...PLAIN, format }, WORKER);
  const json = compileFormat({ ...PLAIN, json: true, format: "%(uri)%(uagent)" }, WORKER);
  fc.assert(fc.property(anyText, anyText, (uri, agent) => {
    const of = record({ uri, headers: [agent] });
    const lines = [text.line(of), json.line(of)];
    for (const one of lines) assert(!/[\p{Cc}\u2028\u2029]/u.test(one), one);
    const [plain, object] = lines.map((one) => JSON.parse(one));
    assertEquals(plain, { uri: uri || "-", agent: agent || "-" });
    assertEquals(object.properties, { event: "request", uri, uagent: agent });
  }));
});

Deno.test("whoever names an address, a method or a protocol, a request is one line and its JSON is its own", () => {
  const evil = '1.2.3.4","evil":"1"}}\n{"level":"ERROR"\x1b[31m\u009b1m\u202e';
  const facts = { address: evil, method: evil, protocol: evil, uri: evil };
  const format = "%(addr) %(method) %(proto) %(uri) %(var.REMOTE_ADDR) %(var.PATH_INFO)";
  for (const json of [false, true]) {
    const made = compileFormat({ ...PLAIN, format, json }, WORKER).line(record(facts));
    assert(!/[\p{Cc}\u202e]/u.test(made), JSON.stringify(made));
    if (!json) continue;
    const { properties } = JSON.parse(made);
    assertEquals([properties.addr, properties.method, properties.evil], [evil, evil, undefined]);
  }
});
