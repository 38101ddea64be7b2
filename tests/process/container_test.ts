/** The master as process 1, as in a container. */
import { assertEquals } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { readyMaster, type RunningMaster } from "../helpers/running_master.ts";

const UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc"];

/** Why there can be no process 1 here; null: there can. */
async function obstacle(): Promise<string | null> {
  try {
    const [program = "", ...args] = [...UNSHARE, "true"];
    const { success, stderr } = await new Deno.Command(program, { args }).output();
    return success ? null : new TextDecoder().decode(stderr).trim();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const why = await obstacle();
const skipped = why === null ? "" : ` (skipped: ${why})`;

/** The last process whose parent is this one. */
function childOf(parent: number): number {
  const text = Deno.readTextFileSync(`/proc/${parent}/task/${parent}/children`).trim();
  return Number(text.split(" ").at(-1));
}

/** The names of all children of process 1 that have ended, from outside. */
function zombiesOf(init: number): string[] {
  return [...Deno.readDirSync("/proc")].flatMap(({ name }) => {
    try {
      const [, command, state, parent] =
        /^\d+ \((.*)\) (\S) (\d+)/.exec(Deno.readTextFileSync(`/proc/${name}/stat`)) ?? [];
      return state === "Z" && Number(parent) === init ? [command ?? ""] : [];
    } catch {
      return [];
    }
  });
}

/** Answers every request with a process that loses its parent and ends. */
const APP = `import uwsgi from "uwsgi";
uwsgi.serve(async (request) => {
  if (new URL(request.url).pathname === "/exit") Deno.exit(7);
  const args = ["-c", "(sleep 0.01; exit 3) & exit 0"];
  const { code } = await new Deno.Command("sh", { args, stdout: "null" }).output();
  return new Response("child " + code);
});`;

async function withInit(
  body: (running: RunningMaster, init: number, url: string) => Promise<void>,
): Promise<void> {
  const { master, addresses } = await readyMaster({
    ini: "http-socket = 127.0.0.1:0\nprocesses = 2\ndeno-worker-override = app.ts",
    files: { "app.ts": APP },
    launcher: UNSHARE,
  });
  await using running = master;
  const init = childOf(running.pid);
  try {
    await body(running, init, `http://${addresses[0]}`);
  } finally {
    // unshare itself ignores the signals that would end it.
    stop(running, init);
  }
  assertEquals(await running.exitCode(), 0);
}

function stop(running: RunningMaster, init: number): void {
  try {
    if (childOf(running.pid) === init) Deno.kill(init, "SIGTERM");
  } catch (error) {
    // It has ended.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

Deno.test({
  name: `process 1 reaps orphans, and hears how its own workers end${skipped}`,
  ignore: why !== null,
  fn: () =>
    withInit(async (running, init, url) => {
      for (let i = 0; i < 20; i++) assertEquals(await getText(`${url}/`), "child 0");
      await running.until(() => zombiesOf(init).length > 0, "zombie");
      await running.until(() => zombiesOf(init).length === 0, "end of the zombies");
      // Workers that end while orphans do: none of their exit codes is lost.
      for (let round = 0; round < 3; round++) {
        const from = running.events.length;
        await getText(`${url}/`);
        await getText(`${url}/exit`).catch(() => "");
        await running.waitFor("died", ({ how }) => how === "exited with code 7", from);
        await running.waitFor("accepting", undefined, from);
      }
      await running.until(() => zombiesOf(init).length === 0, "end of the zombies");
    }),
});

Deno.test({
  name: `process 1 stops on SIGTERM${skipped}`,
  ignore: why !== null,
  fn: () =>
    withInit(async (running, init) => {
      stop(running, init);
      await running.waitFor("stopping", ({ again }) => again === false);
      assertEquals(await running.exitCode(), 0);
    }),
});
