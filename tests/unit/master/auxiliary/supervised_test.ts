/** Keeping a process running. */
import { assert, assertEquals } from "@std/assert";
import { type RunningProcess, Supervised } from "../../../../lib/master/auxiliary/supervised.ts";

/** Lives that end when they are told to. */
class Lives {
  readonly started: { end(how: string): void; asked: string[]; killed: boolean }[] = [];
  #waiting: (() => void)[] = [];

  start = (): RunningProcess => {
    const exited = Promise.withResolvers<string>();
    const life = { end: exited.resolve, asked: [] as string[], killed: false };
    this.started.push(life);
    this.#waiting.splice(0).forEach((wake) => wake());
    return {
      pid: this.started.length,
      exited: exited.promise,
      ask: (why) => void life.asked.push(why),
      kill: () => {
        life.killed = true;
        exited.resolve("was killed by SIGKILL");
      },
    };
  };

  async count(wanted: number): Promise<void> {
    while (this.started.length < wanted) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

Deno.test("Supervised starts a process again, when it ends by itself", async () => {
  const lives = new Lives();
  const supervised = new Supervised({ name: "x", fields: {}, start: lives.start });
  supervised.start();
  lives.started[0]?.end("exited with code 1");
  await lives.count(2);
  assertEquals(supervised.pid, 2);
  const stopped = supervised.stop(10_000);
  assertEquals(lives.started[1]?.asked, ["stop"]);
  lives.started[1]?.end("exited with code 0");
  await stopped;
  assertEquals([supervised.pid, lives.started.length], [null, 2]);
});

Deno.test("Supervised starts a process again, when it could not be started", async () => {
  const lives = new Lives();
  let failures = 1;
  const start = () => {
    if (failures-- > 0) throw new Error("no such thing");
    return lives.start();
  };
  const supervised = new Supervised({ name: "x", fields: {}, start });
  supervised.start();
  await lives.count(1);
  supervised.kill();
  assert(lives.started[0]?.killed);
});

Deno.test("Supervised kills a process that does not end in time", async () => {
  const lives = new Lives();
  const supervised = new Supervised({ name: "x", fields: {}, start: lives.start });
  supervised.start();
  await supervised.stop(0);
  assertEquals([lives.started[0]?.killed, lives.started.length], [true, 1]);
});

Deno.test("Supervised replaces a process after it is gone, and not after a stop", async () => {
  const lives = new Lives();
  const supervised = new Supervised({ name: "x", fields: {}, start: lives.start });
  supervised.start();
  const replaced = supervised.restart(10_000);
  assertEquals(lives.started.length, 1);
  lives.started[0]?.end("exited with code 0");
  await replaced;
  assertEquals(lives.started.length, 2);
  const again = supervised.restart(10_000);
  const stopped = supervised.stop(10_000);
  lives.started[1]?.end("exited with code 0");
  await Promise.all([again, stopped]);
  assertEquals(lives.started.length, 2);
});

Deno.test("Supervised starts nothing again, when the death of a process decides so", async () => {
  const lives = new Lives();
  const died = Promise.withResolvers<string>();
  const onDeath = (how: string) => {
    died.resolve(how);
    return true;
  };
  const supervised = new Supervised({ name: "x", fields: {}, start: lives.start, onDeath });
  supervised.start();
  lives.started[0]?.end("exited with code 3");
  assertEquals(await died.promise, "exited with code 3");
  assertEquals([supervised.pid, lives.started.length], [null, 1]);
});
