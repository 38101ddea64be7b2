/** What others write reaches no log and no terminal as a command, and forges no line. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { connectTo } from "../helpers/load/target.ts";
import { duwsgi } from "../helpers/program.ts";
import { readyMaster } from "../helpers/running_master.ts";
import { exchange, requestPacket, targetOf } from "../helpers/uwsgi_client.ts";

/** Sets the title of a terminal, clears it, colours it (C1), and turns the direction around. */
const EVIL = "\x1b]0;title\x07\x1b[2J\u009b31m\u202e";
const UNPRINTABLE = /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

/** Lines of a text that a terminal would take for more than text. */
function dangerous(text: string): string[] {
  return text.split("\n").filter((line) => UNPRINTABLE.test(line));
}

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("error texts of workers are only text on an operator's terminal, and in the master's log", async () => {
  const { master } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
control-socket = %DIR%/ctl.sock
touch-reload = reload
deno-worker-override = app.ts`,
    files: { "app.ts": 'import uwsgi from "uwsgi";\nuwsgi.serve(() => new Response("ok"));' },
  });
  await using running = master;
  running.write({ "app.ts": `throw new Error(${JSON.stringify(`boom ${EVIL}`)});` });
  const ctl = (...args: string[]) => duwsgi(["ctl", "--socket", running.path("ctl.sock"), ...args]);
  const waited = await ctl("--wait", "reload");
  const asJson = await ctl("--wait", "--json", "reload");
  const status = await ctl("status");
  for (const { stdout, stderr } of [waited, asJson, status]) {
    assertEquals([dangerous(stdout), dangerous(stderr)], [[], []]);
  }
  const outputs = [waited, status].map(({ stdout, stderr }) => stdout + stderr);
  for (const text of [...outputs, asJson.stdout]) assertStringIncludes(text, "boom");
  assertStringIncludes(waited.stderr, "\\u001b[2J");
  assertEquals(running.events.filter(({ message }) => UNPRINTABLE.test(message)), []);
  const check = await duwsgi(["--check", "--ini", `${running.directory}/${EVIL}.ini`]);
  assertEquals([check.code, dangerous(check.stderr), check.stderr.split("\n").length], [2, [], 2]);
});

Deno.test("a request is one line, whatever its client and the proxy write", async () => {
  const { master, addresses: [uwsgi = "", http = ""] } = await readyMaster({
    ini: `uwsgi-socket = 127.0.0.1:0
http-socket = 127.0.0.1:0
harakiri = 1
harakiri-graceful-timeout = 0
log-requests = true
log-format = %(addr) %(method) %(uri) %(host) %(proto) %(var.REMOTE_ADDR) %(who)
deno-worker-override = app.ts`,
    files: {
      "app.ts": `import uwsgi from "uwsgi";
uwsgi.serve((request, { remoteAddr }) => {
  uwsgi.set_logvar(request, "who", ${JSON.stringify(EVIL)});
  return request.url.includes("slow") ? new Promise(() => {}) : Response.json(remoteAddr);
});`,
    },
  });
  await using running = master;
  const forged =
    `1.2.3.4","evil":"1"}}\n{"@timestamp":"x","level":"ERROR","logger":"duwsgi"}${EVIL}`;
  const answers = [
    await exchange(uwsgi, requestPacket("/a", { REMOTE_ADDR: forged, HTTP_HOST: "a" })),
    await exchange(uwsgi, requestPacket("/b", { REMOTE_ADDR: "2001:DB8:0::1" })),
    await exchange(
      http,
      encode(`GET /${EVIL.slice(-6)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`),
    ),
  ];
  assertStringIncludes(answers[0] ?? "", '"hostname":""');
  assertStringIncludes(answers[1] ?? "", '"hostname":"2001:db8::1"');
  const lines = () => running.events.filter(({ event }) => event === "request");
  await running.until(() => lines().length === 3, "lines of the log");
  assertEquals(lines().filter(({ message }) => UNPRINTABLE.test(message)), []);
  assert(lines().every(({ fields }) => !("evil" in fields)));
  using client = await connectTo(targetOf(http), AbortSignal.timeout(20_000));
  await client.write(encode(`GET /slow\u009b31m\u202e HTTP/1.1\r\nHost: a\r\n\r\n`));
  await running.until(
    () => running.events.some(({ message }) => message.includes("/slow")),
    "harakiri",
  );
  assertEquals(running.events.filter(({ message }) => UNPRINTABLE.test(message)), []);
});
