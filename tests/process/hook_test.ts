/** What is done at certain points of an instance's life. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { readyMaster, startMaster } from "../helpers/running_master.ts";

const INI = `http-socket = 127.0.0.1:0
deno-worker-override = app.ts
processes = 2`;
const HELLO = { "app.ts": { fixture: "workers/hello.ts" } };

Deno.test("hooks run in the order of their phases", async () => {
  const phases = [
    "as-user-atexit",
    "post-app",
    "accepting1-once",
    "accepting-once",
    "accepting1",
    "accepting",
    "post-fork",
    "master-start",
    "pre-app",
    "as-user",
    "as-root",
    "post-jail",
    "in-jail",
    "pre-jail",
    "asap",
  ];
  const { master } = await readyMaster({
    ini: `${INI}
exec-asap = echo first >%DIR%/trace
${phases.map((phase) => `hook-${phase} = appendn:%DIR%/trace ${phase}`).join("\n")}
hook-accepting = exec:echo "slot $HOOK_WORKER_ID is $HOOK_WORKER_PID" >>%DIR%/trace`,
    files: HELLO,
  });
  await using running = master;
  const trace = () => Deno.readTextFileSync(running.path("trace")).trim().split("\n");
  await running.until(() => trace().includes("post-app"), "post-app");
  const pids = running.acceptingPids();
  Deno.kill(pids.get(1) ?? 0, "SIGKILL");
  const count = (phase: string) => trace().filter((line) => line === phase).length;
  await running.until(() => count("accepting1") === 2, "accepting1 of the successor");
  assertEquals(await running.stop(), 0);
  const lines = trace();
  assertEquals(lines.slice(0, 11), [
    "first",
    "asap",
    "pre-jail",
    "in-jail",
    "post-jail",
    "as-root",
    "as-user",
    "pre-app",
    "master-start",
    "post-fork",
    "post-fork",
  ]);
  assertEquals(lines.at(-1), "as-user-atexit");
  for (
    const [phase, times] of [
      ["post-fork", 3],
      ["accepting", 3],
      ["accepting1", 2],
      ["accepting-once", 2],
      ["accepting1-once", 1],
      ["post-app", 1],
    ] as const
  ) assertEquals(count(phase), times, phase);
  for (const [slot, pid] of pids) assert(lines.includes(`slot ${slot} is ${pid}`));
});

Deno.test("hooks do what they say", async () => {
  const { master } = await readyMaster({
    ini: `hook-asap = mkdir:%DIR%/work
hook-asap = putenv:COLOUR=blue
chdir = %DIR%/work
socket = app.sock
deno-worker-override = %DIR%/app.ts
hook-pre-jail = write:a.txt one
hook-pre-jail = append:a.txt  two
hook-pre-jail = writen:b.txt secret
hook-pre-jail = !appendn:b.txt hidden
hook-pre-jail = chmod:b.txt 600
hook-pre-jail = create:gone
hook-pre-jail = unlink:gone
hook-pre-jail = sticky:.
hook-pre-jail = chown2:b.txt ${Deno.uid()} ${Deno.gid()}
hook-as-root = exec:echo "$COLOUR" >colour
hook-as-root = safeexec:exit 3
hook-as-user = wait_for_file:a.txt
hook-as-user = wait_for_dir:.
hook-as-user = wait_for_fs:app.sock
hook-as-user = print:all {is} well`,
    files: HELLO,
  });
  await using running = master;
  const read = (name: string) => Deno.readTextFileSync(running.path(`work/${name}`));
  assertEquals([read("a.txt"), read("b.txt")], ["one two", "secret\nhidden\n"]);
  assertEquals(read("colour"), "blue\n");
  assertEquals((Deno.statSync(running.path("work/b.txt")).mode ?? 0) & 0o777, 0o600);
  assertEquals((Deno.statSync(running.path("work")).mode ?? 0) & 0o1000, 0o1000);
  assert(running.events.some(({ message }) => message === "all {is} well"));
  assert(!running.events.some(({ message }) => message.includes("hidden")));
  const { how } = await running.waitFor("hookCommand");
  assertEquals(how, "exited with code 3");
});

Deno.test("a hook that fails ends the start, with a line that names it", async () => {
  for (const phase of ["asap", "pre-jail", "as-user", "master-start"]) {
    await using running = startMaster({
      ini: `socket = %DIR%/app.sock
deno-worker-override = app.ts
hook-${phase} = print:before
hook-${phase} = exec:echo why >&2; exit 4
hook-${phase} = create:%DIR%/after`,
      files: HELLO,
    });
    assertEquals(await running.exitCode(), 8, phase);
    assertEquals(running.output, [
      "why",
      `duwsgi: "hook-${phase}" at ${running.path("app.ini")}:6 failed ` +
      "(exec:echo why >&2; exit 4): the command exited with code 4",
    ]);
    const said = running.events.map(({ message }) => message).filter((text) =>
      text === "before" || text.startsWith("hook-")
    );
    assertEquals(said, ["before", `hook-${phase}: exec:echo why >&2; exit 4`], phase);
    const names = [...Deno.readDirSync(running.directory)].map(({ name }) => name);
    assertEquals(names.toSorted(), ["app.ini", "app.ts"], phase);
  }
});

Deno.test("a hook may end the program with a code of its own", async () => {
  await using running = startMaster({ ini: `${INI}\nhook-as-root = exit:42`, files: HELLO });
  assertEquals(await running.exitCode(), 42);
});

Deno.test("a hook that fails while workers serve is an error in the log, and ends its phase only", async () => {
  const { master } = await readyMaster({
    ini: `${INI}
hook-post-app = unlink:%DIR%/nothing
hook-post-app = print:never
hook-as-user-atexit = exec:exit 5`,
    files: HELLO,
  });
  await using running = master;
  const failed = await running.waitFor("hookFailed");
  assertEquals(failed.phase, "post-app");
  assertEquals(await running.stop(), 0);
  assert(!running.events.some(({ message }) => message === "never"));
  const last = running.events.findLast(({ event }) => event === "hookFailed");
  assertStringIncludes(last?.message ?? "", "the command exited with code 5");
});

Deno.test("a FIFO that nobody reads from fails instead of hanging", async () => {
  await using running = startMaster({
    ini: `${INI}\nexec-asap = mkfifo %DIR%/fifo\nhook-asap = writefifo:%DIR%/fifo x`,
    files: HELLO,
  });
  assertEquals(await running.exitCode(), 8);
  assertStringIncludes(running.output.join("\n"), "nobody reads from");
});

Deno.test("the commands of hooks inherit nothing", async () => {
  const { master } = await readyMaster({
    ini: `${INI}\nhook-post-app = exec:ls -l /proc/self/fd >list; mv list descriptors`,
    files: HELLO,
  });
  await using running = master;
  const text = () => {
    try {
      return Deno.readTextFileSync(running.path("descriptors"));
    } catch {
      return null;
    }
  };
  await running.until(() => text() !== null, "descriptors");
  const targets = [...(text() ?? "").matchAll(/(\d+) -> (\S+)/g)].map(([, fd, target]) =>
    `${fd} ${target?.replace(/\d+/g, "N")}`
  );
  assertEquals(targets, [
    "0 /dev/null",
    `1 ${running.path("list").replace(/\d+/g, "N")}`,
    "2 pipe:[N]",
    "3 /proc/N/fd",
  ]);
});
