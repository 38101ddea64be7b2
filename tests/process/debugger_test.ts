/** SIGUSR1, which Deno answers with a debugger that every local user may use. */
import { assertEquals } from "@std/assert";
import { MAIN } from "../helpers/program.ts";
import { readyMaster, type RunningMaster } from "../helpers/running_master.ts";
import { TestTerminal } from "../helpers/terminal.ts";

/** Where Deno opens its debugger. */
const PORT_HEX = (9229).toString(16).toUpperCase().padStart(4, "0");
/** The bit of SIGUSR1 in the masks of /proc/PID/status. */
const SIGUSR1_BIT = 1n << 9n;

/** Inodes of the sockets that listen where debuggers do (proc(5)). */
function debuggerSockets(): string[] {
  return Deno.readTextFileSync("/proc/net/tcp").split("\n").flatMap((line) => {
    const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
    return local.endsWith(`:${PORT_HEX}`) && state === "0A" ? [`socket:[${inode}]`] : [];
  });
}

function hasDebugger(pid: number): boolean {
  const sockets = debuggerSockets();
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].some(({ name }) => {
    try {
      return sockets.includes(Deno.readLinkSync(`/proc/${pid}/fd/${name}`));
    } catch {
      return false;
    }
  });
}

/** Before it listens, the signal would end a process. */
function listensToSignal(pid: number): boolean {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const mask = /^SigCgt:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? "0";
  return (BigInt(`0x${mask}`) & SIGUSR1_BIT) !== 0n;
}

async function muleOf(master: RunningMaster): Promise<number> {
  const pid = () => master.output.map((line) => /^mule (\d+)$/.exec(line)?.[1]).find(Boolean);
  await master.until(() => pid() !== undefined, "words of the mule");
  return Number(pid());
}

/** Worker 1 does not care about the signal, worker 2 has had listeners, and has one. */
const APP = `import uwsgi from "uwsgi";
if (uwsgi.worker_id() === 2) {
  Deno.addSignalListener("SIGUSR1", () => {});
  const other = () => {};
  Deno.addSignalListener("SIGUSR1", other);
  Deno.removeSignalListener("SIGUSR1", other);
  process.on("SIGUSR1", other);
  process.removeAllListeners("SIGUSR1");
}
uwsgi.serve(() => new Response("hello"));`;
const MULE =
  `import uwsgi from "uwsgi"; uwsgi.log("mule " + Deno.pid); await uwsgi.mule_msg_get();`;

Deno.test("SIGUSR1 opens no debugger in masters, workers, mules and top", async () => {
  const files = { "app.ts": APP, "mule.ts": MULE };
  const ini = (options: string) =>
    `http-socket = 127.0.0.1:0
processes = 2
mule = mule.ts
${options}
deno-worker-override = app.ts`;
  const [plain, sandboxed] = [
    await readyMaster({ ini: ini(""), files }),
    await readyMaster({ ini: ini("allow-net = false"), files }),
  ];
  await using running = plain.master;
  await using other = sandboxed.master;
  await using terminal = new TestTerminal(80, 24);
  const top = `'${Deno.execPath()}' run -A '${MAIN}' top --pid ${running.pid}`;
  await terminal.type(`echo $$ > '${running.path("top.pid")}'; exec ${top}\r`);
  await terminal.see("Workers 2 of 2 accept");
  const pids = [Number(running.read("top.pid"))];
  for (const master of [running, other]) {
    pids.push(master.pid, ...master.acceptingPids().values(), await muleOf(master));
  }
  // A process of Deno's own, started last: when it has its debugger, the others would have had theirs.
  const control = new Deno.Command(Deno.execPath(), {
    args: ["eval", `Deno.addSignalListener("SIGUSR1", () => {}); setInterval(() => {}, 1e6);`],
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await running.until(() => {
      for (const pid of pids) Deno.kill(pid, "SIGUSR1");
      if (listensToSignal(control.pid)) control.kill("SIGUSR1");
      return pids.some(hasDebugger) || hasDebugger(control.pid);
    }, "debugger of another process");
    assertEquals(pids.filter(hasDebugger), []);
  } finally {
    control.kill("SIGKILL");
    await control.status;
  }
  for (const master of [running, other]) {
    assertEquals(new Set(master.acceptingPids().values()).size, 2);
    assertEquals(master.count("exited"), 0);
  }
});
