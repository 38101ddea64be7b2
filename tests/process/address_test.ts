/** Whose an address is, from the moment on at which a master has bound it. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { dirname } from "@std/path/posix";
import { bindTcp, boundPort } from "../../lib/system/sockets/listening_socket.ts";
import { getJson, type Identity } from "../helpers/http.ts";
import { OwnedDescriptors } from "../helpers/owned_descriptors.ts";
import { readyMaster, type RunningMaster, startMaster } from "../helpers/running_master.ts";
import { SharedProgram } from "../helpers/shared_program.ts";

const GATED = { "app.ts": { fixture: "workers/gated.ts" } };
const SCRIPT = "deno-worker-override = app.ts";

/** The address of a master's first socket, which it tells before any worker accepts. */
async function boundAddress(master: RunningMaster): Promise<string> {
  const find = () =>
    master.events.map(({ message }) => /^Socket http:\/\/([^,]+)/.exec(message)?.[1]).find((one) =>
      one
    );
  await master.until(() => find() !== undefined, "bound socket");
  return find() ?? "";
}

/** A port that nobody else gets by chance; it is in no master's way, because it does not listen. */
class KeptPort implements Disposable {
  readonly #owned = new OwnedDescriptors();
  readonly port: number;

  constructor() {
    const { libc } = this.#owned;
    const options = { host: "127.0.0.1", port: 0, reusePort: false, keepalive: false };
    this.port = boundPort(libc, this.#owned.own(bindTcp(libc, options)));
  }

  [Symbol.dispose](): void {
    this.#owned[Symbol.dispose]();
  }
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(":") + 1));
}

/** Asks so many times at once, on a connection each. */
function askAll(address: string, times: number): Promise<Identity[]> {
  return Promise.all(Array.from({ length: times }, () => getJson<Identity>(`http://${address}/`)));
}

/** Asks until each of so many workers has answered. */
async function untilAllAnswer(address: string, workers: number): Promise<void> {
  const seen = new Set<number>();
  while (seen.size < workers) {
    for (const { worker } of await askAll(address, 10)) seen.add(worker);
  }
}

for (const reusePort of [true, false]) {
  const how = reusePort ? "a socket for each slot" : "one socket";
  Deno.test(`clients wait and nobody else gets the port, before a worker accepts on ${how}`, async () => {
    await using first = startMaster({
      ini: `http-socket = 127.0.0.1:0\nprocesses = 2\nreuse-port = ${reusePort}\n${SCRIPT}`,
      files: GATED,
    });
    const address = await boundAddress(first);
    const answers = askAll(address, 20);
    const port = portOf(address);
    assertThrows(() => Deno.listen({ hostname: "127.0.0.1", port }), Deno.errors.AddrInUse);
    assertThrows(() => Deno.listen({ hostname: "0.0.0.0", port }), Deno.errors.AddrInUse);
    await using second = startMaster({
      ini: `http-socket = ${address}\nprocesses = 2\nreuse-port = ${reusePort}\n${SCRIPT}`,
      files: GATED,
    });
    assertEquals(await second.exitCode(), 3);
    const refusal = `"${address}" (${second.path("app.ini")}:3): address already in use ` +
      `(the duwsgi instance with pid ${first.pid}): stop it or choose another address`;
    assertStringIncludes(second.output.join(), `Cannot open http-socket ${refusal}`);
    assertEquals(first.count("accepting"), 0);
    first.touch("go");
    assertEquals((await answers).length, 20);
    await first.ready();
    assertEquals(await first.stop(), 0);
  });
}

Deno.test("of masters that are started at once, one gets the address and the others say so", async () => {
  using kept = new KeptPort();
  const address = `127.0.0.1:${kept.port}`;
  const ini = `http-socket = ${address}\nprocesses = 2\n${SCRIPT}`;
  await using a = startMaster({ ini, files: GATED });
  await using b = startMaster({ ini, files: GATED });
  await using d = startMaster({ ini, files: GATED });
  const masters = [a, b, d];
  const ended = (master: RunningMaster) => /already in use/.test(master.output.join());
  await a.eventually(() => masters.filter(ended).length === 2, "two masters that found it in use");
  for (const master of masters.filter(ended)) assertEquals(await master.exitCode(), 3);
  const winner = masters.find((master) => !ended(master)) ?? a;
  winner.touch("go");
  await winner.ready();
  const pids = new Set((await askAll(address, 30)).map(({ pid }) => pid));
  const own = new Set(winner.acceptingPids().values());
  assert(pids.isSubsetOf(own));
  assertEquals(await winner.stop(), 0);
});

Deno.test("what waits from the bind on is answered by whoever accepts first", async () => {
  await using running = startMaster({
    ini: `http-socket = 127.0.0.1:0\nprocesses = 3\n${SCRIPT}`,
    files: GATED,
  });
  const address = await boundAddress(running);
  const answers = askAll(address, 10);
  running.touch("go-2");
  assertEquals(new Set((await answers).map(({ worker }) => worker)), new Set([2]));
  running.touch("go-3");
  await running.waitFor("accepting", ({ worker }) => worker === 3);
  const early = await askAll(address, 30);
  assertEquals(early.some(({ worker }) => worker === 1), false);
  running.touch("go-1");
  await running.ready();
  await untilAllAnswer(address, 3);
  assertEquals(await running.stop(), 0);
});

Deno.test("what waits is reset when the start fails", async () => {
  await using running = startMaster({
    ini: `http-socket = 127.0.0.1:0\nstart-timeout = 1\n${SCRIPT}`,
    files: GATED,
  });
  const address = await boundAddress(running);
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: portOf(address) });
  await connection.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  await assertRejects(() => connection.read(new Uint8Array(1)), Deno.errors.ConnectionReset);
  assertEquals(await running.exitCode(), 4);
});

Deno.test({
  name: "further slots of the user of uid join the address that root has bound",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    using program = new SharedProgram();
    const ini = (processes: number) =>
      `http-socket = 127.0.0.1:0\nprocesses = ${processes}\nuid = nobody\n${SCRIPT}`;
    const { master, addresses } = await readyMaster({
      ini: ini(1),
      files: { ...GATED, go: "" },
      program,
    });
    await using running = master;
    running.writeIni(ini(3));
    const { outcome } = await running.reload(() => running.signal("SIGHUP"));
    assertEquals(outcome, "done");
    await untilAllAnswer(addresses[0] ?? "", 3);
    assertEquals(await running.stop(), 0);
  },
});

Deno.test("every address and the loopback one are had side by side", async () => {
  using kept = new KeptPort();
  const { master } = await readyMaster({
    ini: `http-socket = 0.0.0.0:${kept.port}\nhttp-socket = 127.0.0.1:${kept.port}\n` +
      `processes = 2\n${SCRIPT}`,
    files: { ...GATED, go: "" },
  });
  await using running = master;
  await untilAllAnswer(`127.0.0.1:${kept.port}`, 2);
  await untilAllAnswer(`127.0.0.2:${kept.port}`, 2);
  assertEquals(await running.stop(), 0);
});

Deno.test("an address that another option has already is one line that says so", async () => {
  using kept = new KeptPort();
  for (const stats of [`127.0.0.1:${kept.port}`, `:${kept.port}`]) {
    const ini = `http-socket = 127.0.0.1:${kept.port}\nstats = ${stats}\n${SCRIPT}`;
    await using refused = startMaster({ ini, files: GATED });
    assertEquals(await refused.exitCode(), 3);
    const why =
      "address already in use (this process listens there already): choose another address";
    assertStringIncludes(refused.output.join(), `Cannot open stats "${stats}"`);
    assertStringIncludes(refused.output.join(), why);
  }
});

Deno.test("who has an address is named, as far as this user may know it", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const path = Deno.makeTempDirSync() + "/taken.sock";
  const unix = Deno.listen({ transport: "unix", path });
  try {
    for (const socket of [`127.0.0.1:${listener.addr.port}`, `:${listener.addr.port}`, path]) {
      await using refused = startMaster({
        ini: `http-socket = ${socket}\n${SCRIPT}`,
        files: GATED,
      });
      assertEquals(await refused.exitCode(), 3);
      const who = `(process ${Deno.pid} (deno)): stop the other server or choose another address`;
      assertStringIncludes(refused.output.join(), who);
    }
  } finally {
    listener.close();
    unix.close();
    Deno.removeSync(dirname(path), { recursive: true });
  }
});

Deno.test("an instance whose worker is blocked has its address until the mercy is over, and says so", async () => {
  using kept = new KeptPort();
  const address = `127.0.0.1:${kept.port}`;
  const ini = `http-socket = ${address}\nworker-reload-mercy = 4\n${SCRIPT}`;
  await using first = startMaster({
    ini,
    files: {
      "app.ts": `import uwsgi from "uwsgi";
uwsgi.serve(() => {
  console.error("blocked");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  return new Response();
});`,
    },
  });
  await first.ready();
  const blocked = fetch(`http://${address}/`).then(() => "answer", () => "end");
  await first.until(() => first.output.includes("blocked"), "blocked event loop");
  const [worker] = first.acceptingPids().values();
  first.signal("SIGTERM");
  await first.waitFor("stopping");
  await using second = startMaster({ ini, files: GATED });
  assertEquals(await second.exitCode(), 3);
  assertStringIncludes(
    second.output.join(),
    `address already in use (process ${worker} of the duwsgi instance with pid ${first.pid}, ` +
      "which is ending): try again when it has ended, at the latest after its worker-reload-mercy",
  );
  assertEquals([await first.exitCode(), await blocked], [0, "end"]);
  await using third = startMaster({ ini, files: { ...GATED, go: "" } });
  await third.ready();
  await untilAllAnswer(address, 1);
  assertEquals(await third.stop(), 0);
});

Deno.test("clients of a new address are refused while only workers of the old program run", async () => {
  using kept = new KeptPort();
  const ini = `http-socket = 127.0.0.1:0\nprocesses = 2\n${SCRIPT}`;
  const { master, addresses: [old = ""] } = await readyMaster({ ini, files: { ...GATED, go: "" } });
  await using running = master;
  const sighup = () => running.reload(() => running.signal("SIGHUP"));
  running.write({ "app.ts": "throw new Error('not today');" });
  running.writeIni(`http-socket = 127.0.0.1:${kept.port}\n${ini}`);
  assertEquals((await sighup()).outcome, "rolled-back");
  await running.waitFor("socketUnserved");
  await assertRejects(() => Deno.connect({ port: kept.port }), Deno.errors.ConnectionRefused);
  await untilAllAnswer(old, 2);
  running.write(GATED);
  assertEquals((await sighup()).outcome, "done");
  await untilAllAnswer(`127.0.0.1:${kept.port}`, 2);
  await untilAllAnswer(old, 2);
  assertEquals(await running.stop(), 0);
});
