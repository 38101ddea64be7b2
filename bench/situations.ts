/**
 * What a production master does to its workers beside chain reloads, each as an instance to which it
 * happens again and again.
 *
 * @module
 */

import { join } from "@std/path/posix";
import { type Instance, type InstanceOptions, MAIN } from "./instance.ts";
import { deno, Started } from "./servers.ts";

const APP = new URL("../tests/fixtures/apps/loss_app.ts", import.meta.url);
const FRAGILE = new URL("./apps/loss_fragile.ts", import.meta.url);
const LEAKING = new URL("./apps/loss_leaking.ts", import.meta.url);

/** An instance, and what happens to it. */
export interface Situation {
  /** Its name in the table. */
  readonly name: string;
  readonly script: URL;
  /** Options of the instance. */
  readonly args: readonly string[];
  /** Files in its directory. @default none */
  readonly files?: InstanceOptions["files"];
  /** The log event that is counted: it stands for one change. */
  readonly counted: string;
  /** What is counted, in words. */
  readonly changes: string;
  /** Makes the change of this round happen, and waits for it; null: the load makes it happen. */
  readonly change: ((instance: Instance, round: number) => Promise<void>) | null;
}

/** Numbers of workers, one after the other; an instance starts with the last one. */
const NUMBERS = [2, 6, 4] as const;

/** The situations. */
export const SITUATIONS: readonly Situation[] = [
  {
    name: "rollback",
    script: FRAGILE,
    args: ["--chain-reload-verify", "0"],
    counted: "reloadFinished",
    changes: "chain reloads, every second one rolled back",
    change: reloadAndGoBack,
  },
  {
    name: "exec",
    script: APP,
    args: ["--chain-reload-verify", "0", "--ini", "%DIR%/app.ini"],
    files: { "app.ini": iniOf(0) },
    counted: "reloadFinished",
    changes: "replacements of the master's program",
    change: replaceProgram,
  },
  {
    name: "max-requests",
    script: APP,
    args: ["--max-requests", "100", "--max-requests-delta", "10", "--min-worker-lifetime", "0"],
    counted: "gone",
    changes: "replacements of a worker",
    change: null,
  },
  {
    name: "memory",
    script: LEAKING,
    args: ["--reload-on-rss", "96", "--min-worker-lifetime", "0"],
    counted: "gone",
    changes: "replacements of a worker",
    change: null,
  },
  {
    name: "scaling",
    script: APP,
    args: ["--control-socket", "%DIR%/ctl.sock"],
    counted: "scaling",
    changes: `changes, ${[NUMBERS.at(-1), ...NUMBERS].join(" → ")} workers`,
    change: scale,
  },
];

/** Rolled back in even rounds, done in odd ones. */
async function reloadAndGoBack(instance: Instance, round: number): Promise<void> {
  if (round % 2 === 1) {
    Deno.removeSync(join(instance.directory, "broken"));
    return void await instance.reload();
  }
  instance.write("broken", "");
  await instance.reload("rolled-back");
}

/** Another umask is nothing that a running master can take over. */
function iniOf(round: number): string {
  return `[uwsgi]\numask = ${round % 2 === 0 ? "022" : "027"}\n`;
}

async function replaceProgram(instance: Instance, round: number): Promise<void> {
  instance.write("app.ini", iniOf(round + 1));
  const from = instance.events.length;
  await instance.reload("done", () => instance.master.signal("SIGHUP"));
  const replaced = instance.events.slice(from)
    .some(({ message }) => message.includes("the master's program was replaced"));
  if (!replaced) throw new Error("The reload did not replace the master's program");
}

/** Waits for as many workers as come or go at least. */
async function scale(instance: Instance, round: number): Promise<void> {
  const to = numberAfter(round);
  const by = to - numberAfter(round - 1);
  const event = by > 0 ? "accepting" : "gone";
  const enough = instance.count(event) + Math.abs(by);
  const socket = join(instance.directory, "ctl.sock");
  const command = deno("run", "-A", MAIN, "ctl", "--socket", socket, "scale", String(to));
  await new Started({ command }).output();
  await instance.until(() => instance.count(event) >= enough);
}

/** The number of workers after this round, -1 for the start. */
export function numberAfter(round: number): number {
  return NUMBERS[(round + NUMBERS.length) % NUMBERS.length] ?? NUMBERS[0];
}
