import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { getText, getUnix } from "../helpers/http.ts";
import { readyMaster, startMaster } from "../helpers/running_master.ts";

const HELLO = { "app.ts": { fixture: "workers/hello.ts" } };
const SCRIPT = "deno-worker-override = app.ts";

/** Starts a master that cannot open its socket and returns the one line it prints. */
async function refusal(socket: string): Promise<string> {
  await using running = startMaster({
    ini: `socket = 127.0.0.1:0\nsocket = %DIR%/first.sock\nsocket = ${socket}\n${SCRIPT}`,
    files: { ...HELLO, "plain.txt": "not a socket" },
  });
  assertEquals(await running.exitCode(), 3);
  assertEquals(running.output.length, 1, running.output.join("\n"));
  const names = [...Deno.readDirSync(running.directory)].map(({ name }) => name).sort();
  assertEquals(names, ["app.ini", "app.ts", "plain.txt"]);
  assertEquals(Deno.readTextFileSync(running.path("plain.txt")), "not a socket");
  return running.output[0] ?? "";
}

Deno.test("an address that cannot be had is one line with its place, and leaves nothing", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  const line = await refusal(`127.0.0.1:${port}`);
  taken.close();
  assertMatch(
    line,
    /Cannot open socket "127\.0\.0\.1:\d+" \(.*app\.ini:5\): address already in use/,
  );
  assertStringIncludes(await refusal("203.0.113.7:80"), "does not belong to this machine");
  assertStringIncludes(await refusal("nobody.invalid:80"), "cannot be resolved");
  assertStringIncludes(await refusal("/nowhere/at/all.sock"), "directory");
  assertStringIncludes(await refusal("%DIR%/plain.txt"), "not a socket");
  assertStringIncludes(await refusal("fd://999"), "Descriptor 999 is not an open socket");
});

Deno.test("a second master finds the address of the first in use", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0\nsocket = %DIR%/app.sock\nsocket = @duwsgi-%p\n${SCRIPT}`,
    files: HELLO,
  });
  await using _running = master;
  for (const address of addresses) {
    assertMatch(await refusal(address), /address already in use|another server is listening there/);
  }
  await getText(`http://${addresses[0]}/`);
  await getUnix(addresses[1] ?? "");
});

Deno.test("a stale Unix socket is replaced, and its mode and owner are as configured", async () => {
  const { master } = await readyMaster({
    ini:
      `socket = %DIR%/app.sock\nchmod-socket = 620\nchown-socket = ${Deno.uid()}:${Deno.gid()}\n${SCRIPT}`,
    files: HELLO,
  });
  await using first = master;
  assertEquals((Deno.statSync(first.path("app.sock")).mode ?? 0) & 0o777, 0o620);
  assertEquals(await first.stop(), 0);
  // Without vacuum the path stays, as in uWSGI.
  assert(Deno.lstatSync(first.path("app.sock")).isSocket);
  const second = await readyMaster({
    ini: `socket = ${first.path("app.sock")}\n${SCRIPT}`,
    files: HELLO,
  });
  await using again = second.master;
  assertStringIncludes(await getUnix(first.path("app.sock")), `"worker":1`);
  assertEquals(await again.stop(), 0);
});

Deno.test("abstract names, one shared TCP socket and IPv6 are served", async () => {
  const name = `duwsgi-test-${crypto.randomUUID()}`;
  const { master, addresses } = await readyMaster({
    ini: `socket = @${name}
http-socket = [::1]:0
http-socket = localhost:0
reuse-port = false
so-keepalive = true
listen = 5
processes = 2
touch-chain-reload = reload
${SCRIPT}`,
    files: HELLO,
  });
  await using running = master;
  assertStringIncludes(await getUnix(`\0${name}`), `"worker"`);
  await getText(`http://${addresses[1]}/`);
  await getText(`http://${addresses[2]}/`);
  running.touch("reload");
  await running.waitFor("reloadFinished", ({ outcome }) => outcome === "done");
  // Port 0 keeps its number.
  await getText(`http://${addresses[1]}/`);
  assertStringIncludes(await getUnix(`\0${name}`), `"worker"`);
});

Deno.test("what a worker's script starts does not inherit the sockets", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0\nsocket = %DIR%/app.sock\nprocesses = 2\n${SCRIPT}`,
    files: {
      "app.ts": `import uwsgi from "uwsgi";
const { stdout } = new Deno.Command("sh", { args: ["-c", "ls -l /proc/self/fd"] }).outputSync();
const inherited = new TextDecoder().decode(stdout);
uwsgi.serve(async () => {
  const later = await new Deno.Command("sh", { args: ["-c", "ls -l /proc/self/fd"] }).output();
  return new Response(inherited + new TextDecoder().decode(later.stdout));
});`,
    },
  });
  await using _running = master;
  const text = await getText(`http://${addresses[0]}/`);
  assertStringIncludes(text, "pipe:");
  assertEquals(text.match(/socket:|memfd/g), null);
});

for (
  const [what, options] of Object.entries({
    "the workers": { deny: "deno-flag = --deny-ffi", permissions: ["-A"] },
    "the workers of one socket": {
      deny: "deno-flag = --deny-ffi\nreuse-port = false",
      permissions: ["-A"],
    },
    "the master": { deny: "", permissions: ["-A", "--deny-ffi"] },
  })
) {
  Deno.test(`when ${what} may not use foreign functions, workers bind for themselves`, async () => {
    const { master, addresses } = await readyMaster({
      ini: `http-socket = 127.0.0.1:0
processes = 2
touch-chain-reload = reload
${options.deny}
${SCRIPT}`,
      files: HELLO,
      permissions: options.permissions,
    });
    await using running = master;
    await getText(`http://${addresses[0]}/`);
    const cost = () => running.events.filter(({ message }) => message.includes("reusePort"));
    assertEquals(cost().length, 1);
    running.touch("reload");
    await running.waitFor("reloadFinished", ({ outcome }) => outcome === "done");
    // Here a leaving worker does take its queue with it: that is the cost.
    for (const worker of [1, 2]) {
      await running.waitFor("gone", (fields) => fields.worker === worker);
    }
    await getText(`http://${addresses[0]}/`);
    assertEquals(cost().length, 1);
    assertEquals(await running.stop(), 0);
  });
}
