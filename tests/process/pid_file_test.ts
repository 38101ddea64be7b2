import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { readyMaster, type RunningMaster, startMaster } from "../helpers/running_master.ts";

const HELLO = { "app.ts": { fixture: "workers/hello.ts" } };
const INI = "http-socket = 127.0.0.1:0\ndeno-worker-override = app.ts";

function read(master: RunningMaster, name: string): string | null {
  try {
    return Deno.readTextFileSync(master.path(name));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

Deno.test("a pidfile holds the master's pid, refuses a second master, and goes with vacuum", async () => {
  const { master } = await readyMaster({
    ini: `${INI}
pidfile = m.pid
pidfile2 = m2.pid
vacuum = true`,
    files: HELLO,
  });
  await using first = master;
  assertEquals(read(first, "m.pid"), `${first.pid}\n`);
  assertEquals(read(first, "m2.pid"), `${first.pid}\n`);
  for (const option of ["pidfile", "pidfile2", "safe-pidfile", "safe-pidfile2"]) {
    await using second = startMaster({
      ini: `${INI}\n${option} = ${first.path("m.pid")}\nvacuum = true`,
      files: HELLO,
    });
    assertEquals(await second.exitCode(), 6, option);
    assertEquals(second.output.length, 1);
    assertMatch(
      second.output[0] ?? "",
      new RegExp(`process ${first.pid} of ${option} .*app.ini:5`),
    );
    assertEquals(read(first, "m.pid"), `${first.pid}\n`);
  }
  assertEquals(await first.stop(), 0);
  assertEquals([read(first, "m.pid"), read(first, "m2.pid")], [null, null]);
});

Deno.test("a pidfile stays without vacuum, and somebody else's stays with it", async () => {
  const { master } = await readyMaster({
    ini: `${INI}
pidfile = m.pid`,
    files: HELLO,
  });
  await using running = master;
  assertEquals(await running.stop(), 0);
  assertEquals(read(running, "m.pid"), `${running.pid}\n`);

  const { master: other } = await readyMaster({
    ini: `${INI}
pidfile = m.pid
vacuum = true`,
    files: HELLO,
  });
  await using replaced = other;
  replaced.write({ "m.pid": "1\n" });
  assertEquals(await replaced.stop(), 0);
  assertEquals(read(replaced, "m.pid"), "1\n");
});

Deno.test("a stale pidfile is replaced: of a dead process, of a younger one, or empty", async () => {
  const sleeper = new Deno.Command("/bin/sleep", { args: ["600"] }).spawn();
  try {
    const dead = await new Deno.Command("/bin/sh", { args: ["-c", "echo $$"] }).output();
    const contents = [new TextDecoder().decode(dead.stdout), `${sleeper.pid}\n`, ""];
    for (const content of contents) {
      // A script may take its time: the file is written before it starts, and read when it has.
      const running = startMaster({
        ini: `${INI}\npidfile = m.pid`,
        files: { ...HELLO, "m.pid": content },
      });
      await using _running = running;
      if (content.trim() === String(sleeper.pid)) {
        // Refused: the process is older than the file.
        assertEquals(await running.exitCode(), 6);
        continue;
      }
      await running.ready();
      assertEquals(read(running, "m.pid"), `${running.pid}\n`);
    }
    await using old = new AgedPidFile(sleeper.pid);
    const written = () => read(old.master, "m.pid") === `${old.master.pid}\n`;
    await old.master.until(written, "safe-pidfile");
  } finally {
    sleeper.kill("SIGKILL");
    await sleeper.status;
  }
});

/** A master whose pidfile names a process that was started an hour after it was written. */
class AgedPidFile implements AsyncDisposable {
  readonly #directory = Deno.makeTempDirSync({ prefix: "duwsgi-test-" });
  readonly master: RunningMaster;

  constructor(pid: number) {
    const path = `${this.#directory}/m.pid`;
    Deno.writeTextFileSync(path, `${pid}\n`);
    const hourAgo = new Date(Date.now() - 3_600_000);
    Deno.utimeSync(path, hourAgo, hourAgo);
    Deno.symlinkSync(path, `${this.#directory}/link`);
    this.master = startMaster({
      ini: `${INI}\npidfile = ${path}\nsafe-pidfile = m.pid`,
      files: HELLO,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.master[Symbol.asyncDispose]();
    Deno.removeSync(this.#directory, { recursive: true });
  }
}

Deno.test("a file that is no pidfile is not overwritten", async () => {
  await using running = startMaster({ ini: `${INI}\npidfile = app.ts`, files: HELLO });
  assertEquals(await running.exitCode(), 2);
  assertStringIncludes(running.output[0] ?? "", "is not a pidfile");
  assertStringIncludes(read(running, "app.ts") ?? "", "serve");
});

Deno.test("safe-pidfile is written when the workers accept, pidfile before they start", async () => {
  await using running = startMaster({
    ini: `${INI}
pidfile = early.pid
safe-pidfile = late.pid
safe-pidfile2 = late2.pid`,
    files: {
      "app.ts": `import uwsgi from "uwsgi";
console.error("waiting");
while (true) {
  try {
    Deno.statSync("go");
    break;
  } catch {
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, 20);
    await promise;
  }
}
uwsgi.serve(() => new Response("late"));`,
    },
  });
  await running.until(() => running.output.includes("waiting"), "waiting worker");
  assertEquals(read(running, "early.pid"), `${running.pid}\n`);
  assertEquals([read(running, "late.pid"), read(running, "late2.pid")], [null, null]);
  running.touch("go");
  await running.ready();
  await running.until(() => read(running, "late.pid") !== null, "late.pid");
  assertEquals(read(running, "late.pid"), `${running.pid}\n`);
  assertEquals(read(running, "late2.pid"), `${running.pid}\n`);
});

Deno.test("a start that fails leaves no pidfile, whatever fails", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const taken = (listener.addr as Deno.NetAddr).port;
  try {
    const files = "pidfile = a.pid\nsafe-pidfile = b.pid";
    const failures = [
      [4, `http-socket = 127.0.0.1:0\ndeno-worker-override = broken.ts\n${files}`],
      [3, `http-socket = 127.0.0.1:${taken}\ndeno-worker-override = app.ts\n${files}`],
      [2, `${INI}\n${files}\npidfile2 = nowhere/c.pid`],
      [2, `${INI}\npidfile = a.pid\nsafe-pidfile = nowhere/b.pid`],
    ] as const;
    for (const [code, ini] of failures) {
      await using running = startMaster({ ini, files: { ...HELLO, "broken.ts": "throw 1;" } });
      assertEquals(await running.exitCode(), code, ini);
      assertEquals([read(running, "a.pid"), read(running, "b.pid")], [null, null], ini);
    }
  } finally {
    listener.close();
  }
});
