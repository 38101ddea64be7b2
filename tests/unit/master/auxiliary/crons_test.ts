/** Starting commands at certain times, with a clock that the test holds. */
import { assert, assertEquals } from "@std/assert";
import { parseCronLine } from "../../../../lib/config/values/cron_line.ts";
import { defaults } from "../../../../lib/config/resolve.ts";
import { Crons, momentOf } from "../../../../lib/master/auxiliary/crons.ts";
import { libc } from "../../../../lib/system/libc.ts";

// Opened once for the whole process, which is no leak of the test that happens to be the first.
libc();

const origin = { file: "a.ini", line: 1 };

/** Commands that say something, and a clock. */
class Clock {
  readonly said: string[] = [];
  readonly crons: Crons;
  #now = new Date(2026, 5, 1, 12, 0);
  #waiting: (() => void)[] = [];

  constructor() {
    this.crons = new Crons({
      config: () => defaults(),
      now: () => momentOf(this.#now),
      onLine: (_stream, line) => {
        this.said.push(line);
        this.#waiting.splice(0).forEach((wake) => wake());
      },
    });
  }

  configure(...lines: readonly (readonly [option: string, text: string])[]): void {
    this.crons.configure(lines.map(([option, text]) => parseCronLine({ option, text, origin })));
  }

  /** Goes ahead, in minutes, and lets the commands be started. */
  pass(minutes: number): void {
    this.#now = new Date(this.#now.getTime() + minutes * 60_000);
    this.crons.tick();
  }

  async heard(count: number): Promise<void> {
    while (this.said.length < count) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

Deno.test("Crons starts a command once in each of its minutes", async () => {
  const clock = new Clock();
  clock.configure(["cron", "-2 -1 -1 -1 -1 echo even"]);
  clock.crons.tick();
  for (const minutes of [1, 1, 0, 0, -1, 1, 1, 1]) clock.pass(minutes);
  await clock.heard(2);
  await clock.crons.stop(10_000);
  assertEquals(clock.said, ["even", "even"]);
});

Deno.test("Crons does not start a unique command while it still runs, and another one again", async () => {
  const clock = new Clock();
  clock.configure(
    ["cron2", "minute=-1,unique=1 echo unique; exec sleep 1000"],
    ["cron", "-1 -1 -1 -1 -1 echo several; exec sleep 1000"],
  );
  for (let minute = 0; minute < 3; minute++) clock.pass(1);
  await clock.heard(4);
  await clock.crons.stop(10_000);
  assertEquals(clock.said.toSorted(), ["several", "several", "several", "unique"]);
});

Deno.test("Crons forgets nothing, when the configuration is read again, and starts nothing when closed", async () => {
  const clock = new Clock();
  clock.configure(["cron", "-1 -1 -1 -1 -1 echo a"]);
  clock.pass(1);
  clock.configure(["cron", "-1 -1 -1 -1 -1 echo a"], ["cron", "-1 -1 -1 -1 -1 echo b"]);
  clock.crons.tick();
  clock.pass(1);
  await clock.heard(3);
  clock.crons.close();
  clock.pass(1);
  await clock.crons.stop(10_000);
  assertEquals(clock.said.toSorted(), ["a", "a", "b"]);
});

Deno.test("Crons kills a command that runs longer than its harakiri, and all that it started", async () => {
  const clock = new Clock();
  clock.configure(["cron2", "minute=-1,harakiri=1 sleep 1000 & echo $!; wait"]);
  clock.pass(1);
  await clock.heard(1);
  const pid = Number(clock.said[0]);
  assert(pid > 1);
  while (isThere(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
  await clock.crons.stop(10_000);
});

function isThere(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

Deno.test("momentOf() shows the local clock", () => {
  const { minute, hour, day, month, week } = momentOf(new Date(2026, 1, 1, 3, 4, 59));
  assertEquals([minute, hour, day, month, week], [4, 3, 1, 2, 0]);
});
