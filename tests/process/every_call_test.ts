/**
 * Each call to Deno or the C library that a master makes for a reload, another program or a respawn fails
 * once: the instance serves on, and can be reloaded. The suite takes a sample of them, always the same;
 * `DUWSGI_TEST_ALL_FAULTS=1` takes all (ten minutes).
 */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path/posix";
import type { FaultPlan } from "../fixtures/faults.ts";
import { STABLE_MS } from "../../lib/core/restart_policy.ts";
import { getText } from "../helpers/http.ts";
import { readyMaster, type RunningMaster } from "../helpers/running_master.ts";

const PRELOAD = fromFileUrl(new URL("../fixtures/faults.ts", import.meta.url));

const INI = `http-socket = 127.0.0.1:0
processes = 2
touch-chain-reload = %DIR%/reload
attach-daemon = sleep 1000
worker-reload-mercy = 5
deno-worker-override = app.ts`;

const APP = `import uwsgi from "uwsgi";
uwsgi.serve(() => new Response("ok"));`;

const ALL = Deno.env.get("DUWSGI_TEST_ALL_FAULTS") === "1";

/** How many of the calls are tried in the suite. */
const SAMPLE = 9;

/** A master whose calls fail as is said. */
class Faults {
  readonly #running: RunningMaster;
  readonly address: string;
  #programs = 0;
  #killed = 0;
  readonly #killedAt = new Map<number, number>();

  constructor(running: RunningMaster, address: string) {
    this.#running = running;
    this.address = address;
  }

  /** What needs the master to do something; each ends with it. */
  readonly actions: Readonly<Record<string, () => Promise<boolean>>> = {
    "chain reload": async () => (await this.#running.reload()).outcome === "done",
    "reload": async () =>
      (await this.#running.reload(() => this.#running.signal("SIGHUP"))).outcome === "done",
    "another program": async () => {
      this.#running.writeIni(`${INI}\nstats = %DIR%/stats-${++this.#programs}`);
      const { outcome } = await this.#running.reload(() => this.#running.signal("SIGHUP"));
      // What was not taken over is not asked for again.
      if (outcome !== "done") {
        this.#running.writeIni(`${INI}\nstats = %DIR%/stats-${--this.#programs}`);
      }
      return outcome === "done";
    },
    "respawn": async () => {
      // One after the other: who dies too often is started again later.
      const pids = [...this.#running.acceptingPids()].sort(([one], [other]) => one - other);
      const [slot, pid] = pids[this.#killed++ % pids.length] ?? [0, 0];
      const stable = (this.#killedAt.get(slot) ?? 0) + STABLE_MS + 1_000;
      if (ALL) await this.#running.until(() => performance.now() > stable, "worker that is stable");
      this.#killedAt.set(slot, performance.now());
      const from = this.#running.events.length;
      Deno.kill(pid, "SIGKILL");
      await this.#running.waitFor("accepting", ({ worker }) => worker === slot, from);
      return true;
    },
  };

  /** From now on this call fails, once; empty: none, and all are noted. */
  plan(call: string): void {
    const plan: FaultPlan = { pid: this.#running.pid, call };
    this.#running.write({ plan: JSON.stringify(plan) });
  }

  /** The calls since the last time. */
  calls(): string[] {
    const lines = this.#running.read("plan.calls").split("\n").filter((line) => line !== "");
    this.#running.write({ "plan.calls": "" });
    return [...new Set(lines)].sort();
  }

  /** The instance serves, and nothing was lost track of. */
  async serves(what: string): Promise<void> {
    assertEquals(await getText(`http://${this.address}/`), "ok", what);
    const uncaught = this.#running.events.filter(({ event }) => event === "uncaught");
    assertEquals(uncaught.map(({ message }) => message), [], what);
  }
}

Deno.test("whatever call of the master fails, the instance serves on and can be reloaded", async () => {
  const { master, addresses: [address = ""] } = await readyMaster({
    ini: `${INI}\nstats = %DIR%/stats-0`,
    files: { "app.ts": APP, plan: "null", "plan.calls": "", "plan.failed": "" },
    permissions: ["-A", `--preload=${PRELOAD}`],
    launcher: ["bash", "-c", 'DUWSGI_FAULTS=$PWD/plan exec "$@"', "-"],
  });
  await using running = master;
  const faults = new Faults(running, address);
  const found: (readonly [action: string, call: string])[] = [];
  for (const [action, act] of Object.entries(faults.actions)) {
    // What is loaded when it is done for the first time is no part of it.
    assert(await act(), action);
    faults.calls();
    faults.plan("");
    assert(await act(), action);
    found.push(...faults.calls().map((call) => [action, call] as const));
  }
  const step = ALL ? 1 : Math.ceil(found.length / SAMPLE);
  // The program as few files makes them at fewer lines.
  assert(found.length > (Deno.env.has("DUWSGI_TEST_MAIN") ? 40 : 100), found.join("\n"));
  for (const [action, call] of found.filter((_, at) => at % step === 0)) {
    const what = `${action}: ${call}`;
    if (ALL) console.log(what);
    faults.plan(call);
    const done = await faults.actions[action]?.();
    faults.plan("");
    await faults.serves(what);
    if (!done) assert(await faults.actions["chain reload"]?.(), what);
  }
  for (const [action, act] of Object.entries(faults.actions)) assert(await act(), action);
  await faults.serves("in the end");
  assert(running.read("plan.failed").split("\n").length > SAMPLE / 2);
  assertEquals(await running.stop(), 0);
});
