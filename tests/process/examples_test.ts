import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path/posix";
import { getText } from "../helpers/http.ts";
import { readStats } from "../helpers/stats.ts";
import { readyMaster } from "../helpers/running_master.ts";

const EXAMPLES = fromFileUrl(new URL("../../examples", import.meta.url));

/** Starts an example's script on sockets of the test's own: the example's ports may be taken. */
function startExample(name: string, more = "") {
  const metrics = Deno.readTextFileSync(`${EXAMPLES}/${name}/app.ini`).match(/^metric = .*$/gm);
  return readyMaster({
    ini: `chdir = ${EXAMPLES}/${name}
http-socket = 127.0.0.1:0
http-socket = 127.0.0.1:0
processes = 4
touch-chain-reload = %DIR%/reload
${(metrics ?? []).join("\n")}
${more}
deno-worker-override = app.ts`,
  });
}

/** What `/` says, of an example that says something else than the others. */
const GREETINGS: Readonly<Record<string, RegExp>> = { aioserver: /^Hello, Anonymous$/ };

for (const { name } of Deno.readDirSync(EXAMPLES)) {
  // They have a test of their own.
  if (name === "frameworks") continue;
  Deno.test(`the example ${name} is served on both sockets, and reloads`, async () => {
    const { master, addresses } = await startExample(name);
    await using running = master;
    for (let round = 0; round < 2; round++) {
      for (const address of addresses) {
        const greeting = GREETINGS[name] ?? /^Hello from worker [1-4]/;
        assertMatch(await getText(`http://${address}/`), greeting);
      }
      if (round > 0) break;
      running.touch("reload");
      await running.waitFor("reloadFinished", ({ outcome }) => outcome === "done");
    }
    assertEquals(await running.stop(), 0);
  });

  Deno.test(`the configuration of the example ${name} is good`, async () => {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "main.ts", "--check", "--ini", `examples/${name}/app.ini`],
    }).output();
    assertEquals(new TextDecoder().decode(stderr), "");
    assertEquals(code, 0);
  });
}

/** An open WebSocket, and what has come over it. */
async function openSocket(url: string) {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  const received: (string | Uint8Array)[] = [];
  const closed = new Promise<number>((resolve) => {
    socket.onclose = ({ code }) => resolve(code);
  });
  socket.onmessage = ({ data }) =>
    received.push(typeof data === "string" ? data : new Uint8Array(data));
  await new Promise((resolve) => socket.onopen = resolve);
  return { socket, received, closed };
}

Deno.test("the example aioserver does what uWSGI's page shows, across a chain reload", async () => {
  const { master, addresses } = await startExample(
    "aioserver",
    "stats = %DIR%/stats.sock\nworker-reload-mercy = 60",
  );
  await using running = master;
  const { version } = JSON.parse(Deno.readTextFileSync(`${EXAMPLES}/../deno.json`));
  const started = running.stdout.filter((line) => line.includes("started on duwsgi " + version));
  assertEquals(started.length, 4 * addresses.length);
  const status = async (path: string, method = "GET") => {
    const response = await fetch(`http://${addresses[0]}${path}`, {
      method,
      headers: { connection: "close" },
    });
    return [response.status, await response.text()];
  };
  const ask = async () => {
    for (const address of addresses) {
      assertEquals(await getText(`http://${address}/`), "Hello, Anonymous");
      assertEquals(await getText(`http://${address}/Ada%20L%C3%A9onie`), "Hello, Ada Léonie");
    }
    assertEquals(await status("/a/b"), [404, "Not Found\n"]);
    assertEquals(await status("/Ada", "POST"), [405, "Method Not Allowed\n"]);
    assertEquals(await status("/echo"), [426, "This is a WebSocket\n"]);
  };
  await ask();
  const open = await Promise.all(addresses.map((address) => openSocket(`ws://${address}/echo`)));
  const bytes = Uint8Array.of(0, 200, 255);
  const echoed = async (times: number) => {
    for (const { socket, received } of open) {
      socket.send("Ada");
      socket.send(bytes);
      await running.until(() => received.length === 2 * times, "echo");
      assertEquals(received.slice(-2), ["Hello, Ada", bytes]);
    }
  };
  await echoed(1);
  assertEquals((await running.reload()).outcome, "done");
  // What is open stays with its worker, which waits for it; what is new goes to the next one.
  await ask();
  await echoed(2);
  assertEquals(running.count("gone") < 4, true);
  for (const { socket, closed } of open) {
    socket.close(3000, "enough");
    assertEquals(await closed, 3000);
  }
  await running.until(() => running.count("gone") === 4, "end of the old workers");
  assert(running.events.every(({ event }) => event !== "killing"));
  const logged = (text: string) => running.output.filter((line) => line === text).length;
  for (const worker of [1, 2, 3, 4]) {
    assertEquals(logged(`graceful reload for worker ${worker}`), 1);
  }
  assertEquals([logged("GET / => 200"), logged("GET /a/b => 404")], [4, 2]);
  assertEquals([logged("GET /echo => 101"), logged("echo closed with code 3000")], [2, 2]);
  const { metrics } = await readStats(running.path("stats.sock"));
  const value = (name: string) =>
    Object.entries(metrics ?? {}).find(([key]) => key === name)?.[1].value;
  assertEquals([value("requests"), value("echo.messages")], [16, 8]);
  assertEquals(await running.stop(), 0);
  assertEquals([1, 2, 3, 4].map((worker) => logged(`destroy worker ${worker}`)), [1, 1, 1, 1]);
});
