import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path/posix";
import { getText } from "../helpers/http.ts";
import { readyMaster } from "../helpers/running_master.ts";

const EXAMPLES = fromFileUrl(new URL("../../examples", import.meta.url));

/** Starts an example's script on sockets of the test's own: the example's ports may be taken. */
function startExample(name: string) {
  return readyMaster({
    ini: `chdir = ${EXAMPLES}/${name}
http-socket = 127.0.0.1:0
http-socket = 127.0.0.1:0
processes = 4
touch-chain-reload = %DIR%/reload
deno-worker-override = app.ts`,
  });
}

for (const { name } of Deno.readDirSync(EXAMPLES)) {
  // They have a test of their own.
  if (name === "frameworks") continue;
  Deno.test(`the example ${name} is served on both sockets, and reloads`, async () => {
    const { master, addresses } = await startExample(name);
    await using running = master;
    for (let round = 0; round < 2; round++) {
      for (const address of addresses) {
        assertMatch(await getText(`http://${address}/`), /^Hello from worker [1-4]/);
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

Deno.test("the example aioserver echoes over WebSockets, across a reload", async () => {
  const { master, addresses } = await startExample("aioserver");
  await using running = master;
  for (const address of addresses) {
    const socket = new WebSocket(`ws://${address}/ws`);
    const messages: string[] = [];
    const opened = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    socket.onopen = () => opened.resolve();
    socket.onmessage = ({ data }) => messages.push(String(data));
    socket.onclose = () => closed.resolve();
    await opened.promise;
    socket.send("before");
    await running.until(() => messages.length === 1, "first echo");
    assertEquals((await running.reload()).outcome, "done");
    socket.send("after");
    await running.until(() => messages.length === 2, "second echo");
    const [first = "", second = ""] = messages;
    assertMatch(first, /^worker \d: before$/);
    assertEquals(second, first.replace("before", "after"));
    socket.close();
    await closed.promise;
    assert(running.events.every(({ event }) => event !== "killing"));
  }
});
