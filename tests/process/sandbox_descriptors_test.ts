/** The descriptors of a sandboxed worker, when its script closes what it can. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { fromFileUrl } from "@std/path/posix";
import { getText } from "../helpers/http.ts";
import { readyMaster } from "../helpers/running_master.ts";

const CLOSER = fromFileUrl(new URL("../fixtures/workers/closer.js", import.meta.url));

/** What the descriptors of a process stand for, by number. */
function descriptorsOf(pid: number): Map<number, string> {
  return new Map(
    [...Deno.readDirSync(`/proc/${pid}/fd`)].flatMap(({ name }) => {
      try {
        return [[Number(name), Deno.readLinkSync(`/proc/${pid}/fd/${name}`)] as const];
      } catch {
        // It has been closed meanwhile.
        return [];
      }
    }),
  );
}

Deno.test("what was open when a sandboxed script began cannot be closed by it", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
processes = 1
allow-net = false
touch-chain-reload = reload
chain-reload-verify = 0
worker-reload-mercy = 3
deno-worker-override = ${CLOSER}`,
  });
  await using running = master;
  const url = `http://${addresses[0]}/`;
  const pid = running.acceptingPids().get(1) ?? 0;
  const cache = () =>
    [...descriptorsOf(pid)].filter(([, target]) => /cache|deno/.test(target)).toSorted();
  const before = descriptorsOf(pid);
  const caches = cache();
  const log = before.get(2);
  // Connections are the script's to lose; the log is not.
  await running.eventually(async () => {
    await getText(`${url}close`).catch(() => "");
    return running.output.some((line) => Number(/^round (\d+)$/.exec(line)?.[1]) > 20);
  }, "rounds of all numbers");
  const after = descriptorsOf(pid);
  assertEquals(running.acceptingPids().get(1), pid, "the worker lives");
  assertEquals(after.get(2), log);
  assertEquals(cache(), caches);
  // The gaps were filled, so the first number that is free is above all that duwsgi has.
  const kept = [...before].filter(([fd]) => fd < 40);
  assert(kept.length > 20);
  for (const [fd, target] of kept) assertEquals(after.get(fd), target, `descriptor ${fd}`);
  // It still stops accepting, and leaves.
  assertEquals((await running.reload()).outcome, "done");
  assertNotEquals(running.acceptingPids().get(1), pid);
});
