/** Workers that say they accept, and accept no more. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { readyMaster, type RunningMaster } from "../helpers/running_master.ts";

const INI = "http-socket = 127.0.0.1:0\nstart-timeout = 3\ndeno-worker-override = app.ts";

/** Each closes what it listens with when there is a file `close`, which the next worker does not find. */
const UNTIL_CLOSED = `async function untilClosed() {
  for (;;) {
    try { Deno.removeSync("close"); return; } catch { /* not yet */ }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
const answer = () => new Response("answer of " + Deno.pid);
`;

const APPS: Readonly<Record<string, string>> = {
  "a script that imports uwsgi": `import uwsgi from "uwsgi";
${UNTIL_CLOSED}
const server = uwsgi.sockets[0].serve(answer);
uwsgi.accepting();
untilClosed().then(() => server.shutdown()).then(() => console.log("closed"));`,
  "an app with Deno.serve": `${UNTIL_CLOSED}
const server = Deno.serve(answer);
untilClosed().then(() => server.shutdown()).then(() => console.log("closed"));`,
  "an app with Deno.listen": `${UNTIL_CLOSED}
const listener = Deno.listen({ port: 8000 });
untilClosed().then(() => { listener.close(); console.log("closed"); });
(async () => {
  for await (const connection of listener) {
    await connection.read(new Uint8Array(1000));
    const body = "answer of " + Deno.pid;
    const head = "HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: " + body.length;
    await connection.write(new TextEncoder().encode(head + "\\r\\n\\r\\n" + body));
    connection.close();
  }
})();`,
  "an app with node:http": `import http from "node:http";
${UNTIL_CLOSED}
const server = http.createServer((_, response) => response.end("answer of " + Deno.pid)).listen(8000);
untilClosed().then(() => server.close(() => console.log("closed")));`,
};

/** What was said of workers that were replaced because they accept no more. */
function condemned(master: RunningMaster): readonly string[] {
  return master.events.filter(({ event }) => event === "condemned").map(({ message }) => message);
}

for (const [what, text] of Object.entries(APPS)) {
  for (const sandbox of ["", "\nallow-read = .\nallow-write = ."]) {
    const where = sandbox === "" ? "" : " in a sandbox";
    Deno.test(`${what}${where} that closes its server and opens no other is replaced`, async () => {
      const { master, addresses: [address = ""] } = await readyMaster({
        ini: INI + sandbox,
        files: { "app.ts": `${text}\nsetInterval(() => {}, 1000);` },
      });
      await using running = master;
      const [first] = running.acceptingPids().values();
      assertStringIncludes(await getText(`http://${address}/`), `answer of ${first}`);
      running.write({ close: "" });
      await running.until(() => running.stdout.includes("closed"), "closed server");
      const second = await getText(`http://${address}/`);
      assert(second.startsWith("answer of ") && second !== `answer of ${first}`, second);
      const [why = ""] = condemned(running);
      assertStringIncludes(why, `accepts no more on ${address}: clients have waited for 3 s`);
      assertEquals([condemned(running).length, running.count("died")], [1, 0]);
      assertEquals(await running.stop(), 0);
    });
  }
}

Deno.test("a node server on the descriptor, which a crowd has made deaf, is replaced", async () => {
  const { master, addresses: [address = ""] } = await readyMaster({
    ini: `${INI}\nmax-fd = 80\nlisten = 300`,
    files: {
      "app.ts": `import http from "node:http";
import uwsgi from "uwsgi";
const server = http.createServer((_, response) => response.end("answer"));
server.listen({ fd: uwsgi.sockets[0].fd }, () => uwsgi.accepting());`,
    },
  });
  await using running = master;
  const [hostname = "", port = ""] = address.split(":");
  // More than the worker has descriptors for, and what is left is not too much for its successor.
  const crowd = await Promise.all(
    Array.from({ length: 70 }, () => Deno.connect({ hostname, port: Number(port) })),
  );
  const isFull = () => running.output.some((line) => line.includes("accepts no more until"));
  await running.until(isFull, "worker with too many clients");
  for (const client of crowd) client.close();
  // What waits from before is accepted, as soon as somebody accepts.
  assertEquals(await getText(`http://${address}/`), "answer");
  assertEquals([running.count("died"), running.count("startFailed")], [0, 0]);
  assertEquals(await running.stop(), 0);
});
