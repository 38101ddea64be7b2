/** `accepting-probe`: a worker proves itself before the one before it goes. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { duwsgi } from "../helpers/program.ts";
import { readyMaster, type RunningMaster, startMaster } from "../helpers/running_master.ts";

const INI = `http-socket = 127.0.0.1:0
processes = 2
deno-worker-override = app.ts
log-requests = true
chain-reload-verify = 0
accepting-probe = /healthz?a=1
accepting-probe-timeout = 20`;

/** What an app is like that answers `/healthz` like this, by the kind of its server. */
const KINDS = {
  "uwsgi.serve": (answer: string) =>
    `import uwsgi from "uwsgi";
uwsgi.serve(async (request) => {
  const { pathname, host, search } = new URL(request.url);
  if (pathname !== "/healthz") return new Response("page " + ${JSON.stringify(answer)});
  console.log("asked at " + host + " " + search + " by " + request.headers.get("user-agent"));
  ${answer}
});`,
  "Deno.serve": (answer: string) =>
    `Deno.serve(async (request) => {
  const { pathname, host, search } = new URL(request.url);
  if (pathname !== "/healthz") return new Response("page " + ${JSON.stringify(answer)});
  console.log("asked at " + host + " " + search + " by " + request.headers.get("user-agent"));
  ${answer}
});`,
  "node:http": (answer: string) =>
    `import http from "node:http";
const handle = async (request) => {
  ${answer}
};
http.createServer(async (request, response) => {
  const url = new URL(request.url, "http://" + request.headers.host);
  if (url.pathname !== "/healthz") return response.end("page " + ${JSON.stringify(answer)});
  console.log("asked at " + url.host + " " + url.search + " by " + request.headers["user-agent"]);
  const { status, headers } = await handle(request);
  response.writeHead(status, Object.fromEntries(headers));
  response.end("text");
}).listen(8000);`,
};

const GOOD = "return new Response('fine');";
const REDIRECT = "return Response.redirect('http://127.0.0.1:1/nowhere');";
const BAD = "return new Response('no', { status: 503 });";

function ctl(running: RunningMaster, ...args: string[]) {
  return duwsgi(["ctl", ...args, "--pid", String(running.pid)]);
}

for (const [kind, app] of Object.entries(KINDS)) {
  for (const [name, walls] of [["", ""], [" in a sandbox", "\nallow-net = false"]] as const) {
    Deno.test(`accepting-probe asks ${kind}${name} before it accepts, and a reload goes back when the answer is bad`, async () => {
      const { master, addresses } = await readyMaster({
        ini: INI + walls,
        files: { "app.ts": app(GOOD) },
      });
      await using running = master;
      const asked = () =>
        running.stdout.concat(running.output).filter((l) => l.includes("asked at"));
      await running.until(() => asked().length === 2, "two questions");
      assertStringIncludes(
        asked()[0] ?? "",
        `asked at ${addresses[0]} ?a=1 by duwsgi-accepting-probe`,
      );
      const { slots } = JSON.parse((await ctl(running, "status", "--json")).stdout);
      assertEquals(slots.map(({ requests }: { requests: number }) => requests), [0, 0]);
      running.write({ "app.ts": app(BAD) });
      for (const command of ["chain-reload", "reload"]) {
        const { code, stderr } = await ctl(running, command, "--wait");
        assertEquals(code, 10);
        assertStringIncludes(stderr, "accepting-probe /healthz?a=1 was answered with status 503");
      }
      assertStringIncludes(await getText(`http://${addresses[0]}`), GOOD);
      running.write({ "app.ts": app(REDIRECT) });
      const { code, stderr } = await ctl(running, "chain-reload", "--wait");
      assertEquals(code, 0, stderr);
      assertStringIncludes(await getText(`http://${addresses[0]}`), "redirect");
      const log = running.output.join("\n");
      assert(!log.includes("GET /healthz"), log);
      // One that is replaced by itself is asked as well.
      const before = asked().length;
      Deno.kill(running.acceptingPids().get(1) ?? 0, "SIGKILL");
      await running.until(() => asked().length > before, "another question");
    });
  }
}

Deno.test("accepting-probe without an answer in time, or with an error, is a failed start", async () => {
  const serve = KINDS["uwsgi.serve"];
  const cases = [
    [
      "await new Promise(() => {});",
      /accepting-probe \/healthz\?a=1 was not answered within 0\.2 s/,
    ],
    ["throw new Error('no database');", /accepting-probe \/healthz\?a=1 failed: no database/],
  ] as const;
  for (const [answer, expected] of cases) {
    await using running = startMaster({
      ini: INI.replace("timeout = 20", "timeout = 0.2"),
      files: { "app.ts": serve(answer) },
    });
    assertEquals(await running.exitCode(), 4);
    const failed = await running.waitFor("startFailed");
    assertMatch(String(failed.why), expected);
  }
});

Deno.test("accepting-probe is a failed start of one line for a script that serves no HTTP", async () => {
  const script = `import uwsgi from "uwsgi";
const listener = uwsgi.sockets[0].listen();
uwsgi.accepting();
for await (const connection of listener) connection.close();`;
  await using running = startMaster({ ini: INI, files: { "app.ts": script } });
  assertEquals(await running.exitCode(), 4);
  const { why } = await running.waitFor("startFailed");
  assertStringIncludes(
    String(why),
    "accepting-probe /healthz?a=1 has nobody to ask: the script serves no HTTP on the sockets",
  );
});

Deno.test("accepting-probe asks servers on TLS, uwsgi and Unix sockets, whatever they speak outside", async () => {
  const tls = "https-socket = 127.0.0.1:0,%DIR%/cert.pem,%DIR%/key.pem";
  const sockets = [
    [tls, /asked at 127\.0\.0\.1:\d+ /],
    ["uwsgi-socket = 127.0.0.1:0", /asked at 127\.0\.0\.1:\d+ /],
    ["http-socket = %DIR%/app.sock", /asked at localhost /],
  ] as const;
  for (const [socket, expected] of sockets) {
    const { master } = await readyMaster({
      ini: INI.replace("http-socket = 127.0.0.1:0", socket),
      files: {
        "app.ts": KINDS["uwsgi.serve"](GOOD),
        "cert.pem": { fixture: "certificates/first.pem" },
        "key.pem": { fixture: "certificates/first_key.pem" },
      },
    });
    await using running = master;
    await running.until(
      () => expected.test(running.stdout.concat(running.output).join()),
      "question",
    );
    running.write({ "app.ts": KINDS["uwsgi.serve"](BAD) });
    assertEquals((await ctl(running, "chain-reload", "--wait")).code, 10);
  }
});

Deno.test("clients are left to the worker before until accepting-probe is through", async () => {
  const slow = `import uwsgi from "uwsgi";
uwsgi.serve(async (request) => {
  if (new URL(request.url).pathname !== "/healthz") return new Response("NEW");
  console.error("is asked");
  while (!await Deno.stat("go").then(() => true, () => false)) {
    await new Promise((done) => setTimeout(done, 20));
  }
  return new Response("fine");
});`;
  const { master, addresses } = await readyMaster({
    ini: INI.replace("processes = 2", "processes = 1"),
    files: { "app.ts": KINDS["uwsgi.serve"](GOOD) },
  });
  await using running = master;
  running.write({ "app.ts": slow });
  const reload = ctl(running, "chain-reload", "--wait");
  await running.until(() => running.output.join().includes("is asked"), "question");
  for (let i = 0; i < 20; i++) {
    assertStringIncludes(await getText(`http://${addresses[0]}`), GOOD);
  }
  running.touch("go");
  assertEquals((await reload).code, 0);
  assertEquals(await getText(`http://${addresses[0]}`), "NEW");
});
