/** What the kernel refuses sandboxed workers, whatever they have got around in their own process. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path/posix";
import { getJson, getText } from "../helpers/http.ts";
import { duwsgi } from "../helpers/program.ts";
import { readyMaster, type RunningMaster, startMaster } from "../helpers/running_master.ts";

const path = (name: string) => fromFileUrl(new URL(`../fixtures/scripts/${name}`, import.meta.url));
const SYSTEM_CALLS = new URL("../../lib/system/system_calls.ts", import.meta.url).href;

/** A launcher on whose kernel there is no seccomp(2). */
const WITHOUT_SECCOMP = [Deno.execPath(), "run", "-A", path("without_seccomp.ts"), "/usr/bin/env"];

const HELLO = `import uwsgi from "uwsgi"; uwsgi.serve(() => new Response("hello"));`;

/** `Seccomp`, `NoNewPrivs` and `Seccomp_filters` of all threads. */
function threads(pid: number): { mode: number; noNewPrivileges: number; filters: number }[] {
  return [...Deno.readDirSync(`/proc/${pid}/task`)].flatMap(({ name }) => {
    let text: string;
    try {
      text = Deno.readTextFileSync(`/proc/${pid}/task/${name}/status`);
    } catch {
      return [];
    }
    const field = (key: string) => Number(new RegExp(`^${key}:\\s*(\\d+)`, "m").exec(text)?.[1]);
    return [{
      mode: field("Seccomp"),
      noNewPrivileges: field("NoNewPrivs"),
      filters: field("Seccomp_filters"),
    }];
  });
}

function isFiltered(pid: number): boolean {
  const [own] = threads(Deno.pid);
  const all = threads(pid);
  return all.length > 1 &&
    all.every(({ mode, noNewPrivileges, filters }) =>
      mode === 2 && noNewPrivileges === 1 && filters === (own?.filters ?? 0) + 1
    );
}

interface Walls {
  readonly walls: readonly {
    readonly wall: string;
    readonly holds: boolean;
    readonly why: string;
  }[];
}

async function status(
  { pid }: RunningMaster,
): Promise<{ text: string; seccomp: Walls["walls"][0] | undefined }> {
  const target = ["--pid", String(pid)];
  const { stdout } = await duwsgi(["ctl", "status", "--json", ...target]);
  const text = (await duwsgi(["ctl", "status", ...target])).stdout;
  const { walls } = JSON.parse(stdout) as Walls;
  return { text, seccomp: walls.find(({ wall }) => wall === "seccomp") };
}

Deno.test("all threads of sandboxed workers and mules have the filter, and ctl status says so", async () => {
  const { master } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
processes = 2
allow-net = false
mule = mule.ts
deno-worker-override = app.ts`,
    files: {
      "app.ts": HELLO,
      "mule.ts":
        `import uwsgi from "uwsgi"; uwsgi.log("mule " + Deno.pid); await uwsgi.mule_msg_get();`,
    },
  });
  await using running = master;
  const mule = () => running.output.map((line) => /^mule (\d+)$/.exec(line)?.[1]).find(Boolean);
  await running.until(() => mule() !== undefined, "words of the mule");
  for (const pid of [...running.acceptingPids().values(), Number(mule())]) assert(isFiltered(pid));
  const { text, seccomp } = await status(running);
  assertEquals(seccomp, { wall: "seccomp", holds: true, why: null });
  assertMatch(text, /^Walls seccomp/m);
  assertEquals(running.count("note"), 0);
});

Deno.test("sandbox-walls = none puts none up, and other instances have none to show", async () => {
  for (
    const [options, walls] of [["allow-net = false\nsandbox-walls = none", 1], ["", 0]] as const
  ) {
    const { master } = await readyMaster({
      ini: `http-socket = 127.0.0.1:0\n${options}\ndeno-worker-override = app.ts`,
      files: { "app.ts": HELLO },
    });
    await using running = master;
    for (const pid of running.acceptingPids().values()) assert(!isFiltered(pid));
    const { text, seccomp } = await status(running);
    assertEquals(seccomp?.holds, walls === 0 ? undefined : false);
    assertEquals(text.includes("\nWalls none"), walls === 1);
    assertEquals(text.includes("\nWalls"), walls === 1);
  }
});

/** Harmless system calls that the kernel does for everybody, or refuses for another reason. */
const RAW = `import uwsgi from "uwsgi";
import { callNumber } from "${SYSTEM_CALLS}";
const { symbols } = Deno.dlopen("libc.so.6", {
  syscall: { parameters: ["i64", "i64", "i64", "i64", "i64", "i64", "i64"], result: "i64" },
  __errno_location: { parameters: [], result: "pointer" },
});
const raw = (name, ...args) => {
  const given = [callNumber(name, Deno.build.arch), ...args, 0, 0, 0, 0, 0, 0].slice(0, 7).map(BigInt);
  const result = symbols.syscall(...given);
  if (result >= 0n) return 0;
  return new Deno.UnsafePointerView(symbols.__errno_location()).getInt32();
};
uwsgi.serve(() => Response.json({
  unshare: raw("unshare"), ptrace: raw("ptrace", 16, 0), process_vm_readv: raw("process_vm_readv", Deno.pid),
  kcmp: raw("kcmp", Deno.pid, Deno.pid, 0, 0, 0), open_tree: raw("open_tree", -1, 1),
  socket: raw("socket", 38, 5), sock_diag: raw("socket", 16, 3, 4), fsopen: raw("fsopen", 1),
  personality: raw("personality", 0xffffffff), getpid: raw("kill", Deno.pid, 0),
  clone3: raw("clone3"), io_uring_setup: raw("io_uring_setup"),
}));`;

Deno.test("the kernel refuses system calls to a script that has the C library", async () => {
  const outcomes = async (walls: string) => {
    const { master, addresses } = await readyMaster({
      ini: `http-socket = 127.0.0.1:0
allow-ffi = true
allow-read = true
sandbox-walls = ${walls}
deno-worker-override = app.js`,
      files: { "app.js": RAW },
    });
    await using _running = master;
    return await getJson<Readonly<Record<string, number>>>(`http://${addresses[0]}/`);
  };
  const [EPERM, ENOSYS] = [1, 38];
  const allowed = { personality: 0, getpid: 0 };
  const { personality, getpid, clone3, io_uring_setup, ...refused } = await outcomes("seccomp");
  assertEquals({ personality, getpid }, allowed);
  assertEquals([clone3, io_uring_setup], [ENOSYS, ENOSYS]);
  for (const [call, errno] of Object.entries(refused)) assertEquals(errno, EPERM, call);
  const without = await outcomes("none");
  // Without the filter the same calls do something, or fail for another reason.
  assertEquals([without.unshare, without.process_vm_readv, without.kcmp], [0, 0, 0]);
  assert(without.clone3 !== ENOSYS && without.ptrace !== EPERM);
});

/** Uses each permission, and what needs none. */
const WIDE = `import uwsgi from "uwsgi";
import { DatabaseSync } from "node:sqlite";
import { Worker as Thread } from "node:worker_threads";
import { execFile, spawn } from "node:child_process";
import dns from "node:dns";
import os from "node:os";
const data = Deno.args[0];
const attempts = {
  file: async () => {
    await Deno.writeTextFile(data + "/a", "text");
    await Deno.rename(data + "/a", data + "/b");
    await Deno.chmod(data + "/b", 0o600);
    await Deno.utime(data + "/b", 1, 1);
    await Deno.symlink("b", data + "/c").catch((error) => {
      // Deno takes links for more than these permissions.
      if (!(error instanceof Deno.errors.NotCapable)) throw error;
    });
    return await Deno.readTextFile(data + "/b");
  },
  sqlite: () => {
    const db = new DatabaseSync(data + "/x.db");
    db.exec("pragma journal_mode = wal; create table if not exists t(a); insert into t values ('row')");
    const { a } = db.prepare("select a from t").get();
    db.close();
    return a;
  },
  env: () => Deno.env.get("HOME_OF_TEST"),
  sys: () => os.networkInterfaces() && os.loadavg() && os.cpus().length > 0 && os.hostname() !== "",
  run: async () => {
    const { stdout } = await new Deno.Command("echo", { args: ["said"] }).output();
    return new TextDecoder().decode(stdout).trim();
  },
  runSync: () => new Deno.Command("true").outputSync().code,
  kill: async () => {
    const child = new Deno.Command("sleep", { args: ["600"] }).spawn();
    child.kill("SIGTERM");
    return (await child.status).signal;
  },
  node: () => new Promise((done, failed) => execFile("echo", ["node"], (error, out) => error ? failed(error) : done(out.trim()))),
  pipe: () => new Promise((done) => {
    const child = spawn("cat", [data + "/b"]);
    child.stdout.on("data", (bytes) => done(String(bytes)));
  }),
  thread: () => new Promise((done, failed) => {
    const thread = new Thread("require('worker_threads').parentPort.postMessage('thread')", { eval: true });
    thread.on("message", (text) => thread.terminate().then(() => done(text)));
    thread.on("error", failed);
  }),
  webWorker: () => new Promise((done) => {
    const worker = new Worker("data:application/javascript,postMessage('worker')", { type: "module" });
    worker.onmessage = ({ data }) => { worker.terminate(); done(data); };
  }),
  fetch: async () => {
    const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => new Response("fetched"));
    const text = await (await fetch("http://127.0.0.1:" + server.addr.port)).text();
    await server.shutdown();
    return text;
  },
  webSocket: async () => {
    const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.onmessage = ({ data }) => socket.send(data);
      return response;
    });
    const socket = new WebSocket("ws://127.0.0.1:" + server.addr.port);
    const text = await new Promise((done, failed) => {
      socket.onopen = () => socket.send("echo");
      socket.onmessage = ({ data }) => { socket.close(); done(data); };
      socket.onerror = () => failed(new Error("no socket"));
    });
    void server.shutdown();
    return text;
  },
  udp: async () => {
    const socket = Deno.listenDatagram({ port: 0, transport: "udp", hostname: "127.0.0.1" });
    await socket.send(new Uint8Array(3), socket.addr);
    const [bytes] = await socket.receive();
    socket.close();
    return bytes.length;
  },
  lookup: async () => (await dns.promises.lookup("localhost")).address !== "",
  crypto: async () => (await crypto.subtle.generateKey({ name: "Ed25519" }, true, ["sign"])).privateKey.type,
  self: () => process.kill(process.pid, "SIGWINCH"),
  wasm: async () => (await WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))) instanceof WebAssembly.Module,
};
uwsgi.serve(async () => {
  const outcomes = {};
  for (const [name, attempt] of Object.entries(attempts)) {
    try {
      outcomes[name] = String(await attempt());
    } catch (error) {
      outcomes[name] = String(error);
    }
  }
  return Response.json(outcomes);
});`;

Deno.test("with the walls up each permission still gives what it says, and nothing else works", async () => {
  const given = {
    ...{ file: "text", sqlite: "row", env: "home", sys: "true", run: "said", runSync: "0" },
    ...{ kill: "SIGTERM", node: "node", pipe: "text", thread: "thread", webWorker: "worker" },
    ...{ fetch: "fetched", webSocket: "echo", udp: "3", lookup: "true", crypto: "private" },
    ...{ self: "true", wasm: "true" },
  };
  const outcomesWith = async (options: string) => {
    const { master, addresses } = await readyMaster({
      ini: `http-socket = 127.0.0.1:0
sandbox-walls = seccomp,required
${options}
worker-argv = %DIR%/data
deno-worker-override = app.js`,
      files: { "app.js": WIDE, "data/readme": "" },
      env: { HOME_OF_TEST: "home" },
    });
    await using running = master;
    for (const pid of running.acceptingPids().values()) assert(isFiltered(pid));
    return await getJson<Readonly<Record<string, string>>>(`http://${addresses[0]}/`);
  };
  const all = await outcomesWith(`allow-net = true
allow-read = %DIR%/data
allow-write = %DIR%/data
allow-env = true
allow-run = echo,true,sleep,cat
allow-sys = true`);
  assertEquals(all, given);
  const needNothing = ["thread", "webWorker", "crypto", "self", "wasm"];
  for (const [name, outcome] of Object.entries(await outcomesWith("allow-net = false"))) {
    if (needNothing.includes(name)) assertEquals(outcome, given[name as keyof typeof given], name);
    else assertMatch(outcome, /NotCapable|ERR_ACCESS_DENIED|Requires|getaddrinfo EPERM/, name);
  }
});

Deno.test("a kernel without seccomp is told of once, and refused where the wall is required", async () => {
  const ini = (walls: string) =>
    `http-socket = 127.0.0.1:0
processes = 2
allow-net = false
sandbox-walls = ${walls}
touch-chain-reload = reload
deno-worker-override = app.ts`;
  const files = { "app.ts": HELLO };
  const { master, addresses } = await readyMaster({
    ini: ini("seccomp"),
    files,
    launcher: WITHOUT_SECCOMP,
  });
  await using running = master;
  assertEquals((await running.reload()).outcome, "done");
  assertEquals(await getText(`http://${addresses[0]}/`), "hello");
  const said = running.events.filter(({ message }) =>
    message.includes("The kernel has no seccomp")
  );
  assertEquals(said.length, 1);
  await using refused = startMaster({
    ini: ini("seccomp,required"),
    files,
    launcher: WITHOUT_SECCOMP,
  });
  assert(await refused.exitCode() !== 0);
  const lines = refused.events.map(({ message }) => message).join("\n");
  assertStringIncludes(lines, 'remove ",required" from sandbox-walls');
});

Deno.test("guarded descriptors keep their numbers, except for who has the key", async () => {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", path("guarded_descriptors.ts")],
    stdin: "null",
  }).output();
  const [text, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assertEquals(JSON.parse(text || JSON.stringify(errors)), {
    ...{ close: -1, closeStdin: -1, dup3: -1, wrongKey: -1, halfKey: -1, same: true, above: 1 },
    ...{ dup3WithKey: true, closeWithKey: 0, gone: null },
  });
});
