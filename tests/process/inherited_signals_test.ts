/** What processes inherit of signals is the same, whichever program of the master has started them. */
import { assertEquals } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { readyMaster, type RunningMaster } from "../helpers/running_master.ts";

/** Answers with what it and its child ignore and block. */
const APP = `import uwsgi from "uwsgi";
const own = () => Deno.readTextFileSync("/proc/self/status");
uwsgi.serve(async () => {
  const { stdout } = await new Deno.Command("cat", { args: ["/proc/self/status"] }).output();
  return new Response(own() + new TextDecoder().decode(stdout));
});`;

const INI = `http-socket = 127.0.0.1:0
attach-daemon = exec sleep 1000
deno-worker-override = app.ts`;

/** The masks in texts of proc_pid_status(5): what is blocked, ignored and caught. */
function masks(text: string): string[] {
  return [...text.matchAll(/^Sig(Blk|Ign|Cgt):.*$/gm)].map(([line]) => line);
}

/** Those of the master, a worker, its child, and a daemon. */
async function allMasks(running: RunningMaster, address: string): Promise<readonly string[][]> {
  const daemon = running.events.findLast(({ event }) => event === "companionStarted");
  const status = `/proc/${daemon?.fields.pid}/status`;
  // Until then it is a shell that waits.
  await running.until(() => /^Name:\s+sleep$/m.test(Deno.readTextFileSync(status)), "daemon");
  return [
    masks(Deno.readTextFileSync(`/proc/${running.pid}/status`)),
    masks(await getText(`http://${address}/`)),
    masks(Deno.readTextFileSync(status)),
  ];
}

Deno.test("signals are blocked and ignored after an exec as before, also in what workers start", async () => {
  const { master, addresses: [address = ""] } = await readyMaster({
    ini: INI,
    files: { "app.ts": APP },
  });
  await using running = master;
  await running.waitFor("companionStarted");
  const before = await allMasks(running, address);
  const from = running.events.length;
  running.writeIni(`${INI}\nstats = %DIR%/stats`);
  assertEquals((await running.reload(() => running.signal("SIGHUP"))).outcome, "done");
  await running.waitFor("companionStarted", () => true, from);
  assertEquals(await allMasks(running, address), before);
  assertEquals(await running.stop(), 0);
});
