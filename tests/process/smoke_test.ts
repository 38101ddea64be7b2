import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parse } from "@std/yaml";
import { duwsgi, type Result } from "../helpers/program.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";

const HELLO = `import uwsgi from "uwsgi";
uwsgi.serve((request) => new Response(new URL(request.url).pathname));`;

/** Carries out a smoke run of a script, on these sockets. */
async function smoke(
  script: string,
  args: readonly string[],
  sockets: (directory: string) => readonly string[] = () => ["127.0.0.1:0"],
): Promise<Result> {
  using directory = new TempDirectory();
  const app = directory.write("app.ts", script.replaceAll("%DIR%", directory.path));
  return await duwsgi([
    ...args,
    ...sockets(directory.path).map((address) => `--socket=${address}`),
    ...["--processes=2", "--chain-reload-verify=0.1", `--worker-override=${app}`],
  ]);
}

/** Each line without what changes: addresses and times. */
function stepsOf({ stdout }: Result): string[] {
  return stdout.trimEnd().split("\n").map((line) => line.replace(/:.*/, "").replace(/ at .*/, ""));
}

Deno.test("--smoke starts, asks each kind of socket, reloads and stops a good app", async () => {
  const name = `duwsgi-smoke-${crypto.randomUUID()}`;
  const result = await smoke(
    HELLO,
    ["--smoke=/health?deep=1", "--uwsgi-socket=127.0.0.1:0"],
    (directory) => ["127.0.0.1:0", `${directory}/app.sock`, `@${name}`],
  );
  assertEquals(result.code, 0, result.stdout + result.stderr);
  const asked = Array(4).fill("ok      GET /health?deep=1");
  assertEquals(stepsOf(result), [
    ...["ok      start", ...asked, "ok      chain reload", ...asked, "ok      stop"],
  ]);
  assertMatch(result.stdout, /at socket 127\.0\.0\.1:[1-9]\d*: 200 OK, \d+ ms/);
  assertStringIncludes(result.stdout, `at socket @${name}: 200 OK`);
  assertMatch(result.stdout, /at uwsgi-socket 127\.0\.0\.1:\d+: 200 OK/);
});

Deno.test("--smoke fails with code 15 and says why, for an app that does not start", async () => {
  const result = await smoke(`throw new Error("no database");`, ["--smoke"]);
  assertEquals([result.code, stepsOf(result)], [15, ["failed  start", "ok      stop"]]);
  assertMatch(result.stdout, /^failed {2}start: No worker of .*app\.ts could start/);
  assertStringIncludes(result.stderr, "no database");
});

Deno.test("--smoke gives up an app that never accepts, and leaves nothing of it", async () => {
  const result = await smoke("setInterval(() => {}, 1000);", ["--smoke", "--start-timeout=0.2"]);
  assertEquals([result.code, stepsOf(result)], [15, ["failed  start", "ok      stop"]]);
});

Deno.test("--smoke fails for an app that answers 500, and does not reload it", async () => {
  const script = `import uwsgi from "uwsgi";
    uwsgi.serve(() => new Response("no", { status: 500 }));`;
  const result = await smoke(script, ["--smoke"]);
  assertEquals(result.code, 15);
  assertEquals(stepsOf(result), ["ok      start", "failed  GET /", "ok      stop"]);
  assertStringIncludes(result.stdout, ": the answer is 500 Internal Server Error");
});

Deno.test("--smoke fails for an app that starts only once", async () => {
  const script = `import uwsgi from "uwsgi";
    const once = "%DIR%/worker" + uwsgi.worker_id();
    Deno.writeTextFileSync(once, "", { createNew: true });
    uwsgi.serve(() => new Response());`;
  const result = await smoke(script, ["--smoke"]);
  assertEquals(result.code, 15);
  assertEquals(stepsOf(result), [
    ...["ok      start", "ok      GET /", "failed  chain reload", "ok      stop"],
  ]);
  assertMatch(result.stdout, /chain reload: .*AlreadyExists/);
});

Deno.test("--smoke=connect is for scripts that speak no HTTP; a request says so", async () => {
  const script = `import uwsgi from "uwsgi";
    const listener = uwsgi.sockets[0].listen();
    uwsgi.accepting();
    for await (const connection of listener) {
      await connection.write(new TextEncoder().encode("220 ready\\r\\n\\r\\n"));
      connection.close();
    }`;
  const connected = await smoke(script, ["--smoke=connect"]);
  assertEquals(connected.code, 0, connected.stdout + connected.stderr);
  assertMatch(connected.stdout, /ok {6}connect to socket 127\.0\.0\.1:\d+: somebody accepts/);
  const asked = await smoke(script, ["--smoke"]);
  assertEquals(asked.code, 15);
  assertMatch(asked.stdout, /failed {2}GET \/ .*--smoke=connect/);
});

Deno.test("--smoke keeps the codes of what is wrong before there is an instance", async () => {
  const page = await smoke(HELLO, ["--smoke=health"]);
  assertEquals([page.code, page.stdout], [2, ""]);
  assertStringIncludes(page.stderr, "--smoke expects a path such as /health, or connect");
  const socket = await smoke(HELLO, ["--smoke"], () => ["192.0.2.1:80"]);
  assertEquals(socket.code, 3, socket.stderr);
  assertStringIncludes(socket.stdout, "failed  start: ");
});

Deno.test("the workflow of examples/ci is YAML, and its command is one", async () => {
  const directory = new URL("../../examples/ci/", import.meta.url);
  const { jobs } = parse(Deno.readTextFileSync(new URL("smoke.yml", directory))) as {
    jobs: { smoke: { steps: readonly { run?: string }[] } };
  };
  const [command = ""] = jobs.smoke.steps.flatMap(({ run }) => run ?? []);
  const [, words = ""] = /^deno run -A duwsgi\/main\.ts (--smoke=\/health .*)$/.exec(command) ?? [];
  const args = words.replace("app.ini", new URL("app.ini", directory).pathname).split(" ");
  // Of several commands, the first one counts.
  const checked = await duwsgi(["--check", ...args]);
  assertEquals([checked.code, checked.stderr], [0, ""]);
});
