import { assert, assertEquals } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { readyMaster, startMaster } from "../helpers/running_master.ts";

const INI = `http-socket = 127.0.0.1:0
processes = 2
deno-worker-override = app.ts`;

/** Answers `/slow` when the file `release` exists. */
const SLOW = `import uwsgi from "uwsgi";
uwsgi.serve(async (request) => {
  if (new URL(request.url).pathname !== "/slow") return new Response("quick");
  uwsgi.log("slow request began");
  while (true) {
    try { Deno.statSync("release"); return new Response("slow and well"); } catch { /* not yet */ }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});`;

Deno.test("SIGTERM finishes the running request and refuses new connections", async () => {
  const { master, addresses } = await readyMaster({ ini: INI, files: { "app.ts": SLOW } });
  await using running = master;
  const slow = getText(`http://${addresses[0]}/slow`);
  await running.until(() => running.output.includes("slow request began"), "slow request");
  running.signal("SIGTERM");
  await running.waitFor("gone");
  await running.until(() => isRefused(addresses[0]), "refused connection");
  running.touch("release");
  assertEquals(await slow, "slow and well");
  assertEquals(await running.exitCode(), 0);
});

async function isRefused(address = ""): Promise<boolean> {
  const [hostname = "", port] = address.split(":");
  try {
    (await Deno.connect({ hostname, port: Number(port) })).close();
    return false;
  } catch (error) {
    return error instanceof Deno.errors.ConnectionRefused;
  }
}

Deno.test("a second SIGTERM ends everything at once", async () => {
  const { master, addresses } = await readyMaster({ ini: INI, files: { "app.ts": SLOW } });
  await using running = master;
  const slow = getText(`http://${addresses[0]}/slow`).catch(() => "lost");
  await running.until(() => running.output.includes("slow request began"), "slow request");
  running.signal("SIGTERM");
  await running.waitFor("stopping");
  running.signal("SIGTERM");
  assertEquals(await running.exitCode(), 5);
  assertEquals(await slow, "lost");
});

Deno.test("a stop while workers are starting is not lost", async () => {
  await using running = startMaster({
    ini: INI,
    files: { "app.ts": `console.error("started"); setTimeout(() => {}, 60_000);` },
  });
  await running.until(() => running.output.includes("started"), "worker");
  running.signal("SIGINT");
  assertEquals(await running.exitCode(), 0);
});

Deno.test("Ctrl-C reaches the whole group, and is graceful all the same", async () => {
  const group = new Deno.Command("setsid", {
    args: ["--wait", Deno.execPath(), "run", "-A", "main.ts", "--http-socket", "127.0.0.1:0", "-p"]
      .concat(["2", "--deno-worker-override", "examples/hello/app.ts", "--log-encoder", "json"]),
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let log = "";
  const reader = group.stderr.pipeThrough(new TextDecoderStream()).getReader();
  const readUntil = async (text: string) => {
    while (!log.includes(text)) {
      const { value, done } = await reader.read();
      if (done) break;
      log += value;
    }
  };
  await readUntil(`"event":"ready"`);
  const master = Number(/Master has pid (\d+)/.exec(log)?.[1]);
  // The master leads the group of the new session, as the shell's foreground job would.
  Deno.kill(-master, "SIGINT");
  await readUntil("never said");
  assertEquals((await group.status).code, 0);
  assertEquals(log.match(/exited with code 0 \(stop\)/g)?.length, 2);
});

Deno.test("a worker that does not leave within the mercy is killed", async () => {
  const { master } = await readyMaster({
    ini: `${INI}\nworker-reload-mercy = 1`,
    files: {
      "app.ts": `import uwsgi from "uwsgi";
uwsgi.on_reload(() => new Promise(() => setInterval(() => {}, 1000)));
uwsgi.serve(() => new Response("x"));
if (uwsgi.worker_id() === 1) setTimeout(() => { while (true); }, 10);`,
    },
  });
  await using running = master;
  assertEquals(await running.stop(), 0);
  const killed = running.events.filter(({ event }) => event === "killing");
  assert(killed.some(({ fields }) => fields.worker === 1));
});

/** The system calls of an instance with this many sockets whose workers are replaced and then stop. */
async function callsWith(sockets: number): Promise<number> {
  const addresses = Array.from({ length: sockets }, (_, at) => `http-socket = %DIR%/${at}.sock`);
  const { master } = await readyMaster({
    ini: [...addresses, "processes = 2", "deno-worker-override = app.ts"].join("\n"),
    files: { "app.ts": { fixture: "workers/hello.ts" } },
    launcher: ["strace", "-D", "-f", "-qq", "-o", "calls", "-e", "trace=%network,%desc"],
  });
  await using running = master;
  assertEquals((await running.reload(() => running.signal("SIGHUP"))).outcome, "done");
  assertEquals(await running.stop(), 0);
  return running.read("calls").split("\n").length;
}

const hasStrace = await new Deno.Command("sh", { args: ["-c", "command -v strace"] }).output()
  .then(({ success }) => success);

Deno.test({
  name: `four times the sockets take four times the calls to leave${
    hasStrace ? "" : " (skipped: no strace)"
  }`,
  ignore: !hasStrace,
  fn: async () => {
    const [few, many] = [await callsWith(24), await callsWith(96)];
    // A look at every socket for each socket would make it sixteen times.
    assert(many / few < 6, `${few} calls with 24 sockets, ${many} with 96`);
  },
});
