import { assertEquals } from "@std/assert";
import { descendantsOf } from "../../../../lib/system/process/descendants.ts";
import { endSession, leftOf } from "../../../../lib/system/process/session.ts";

function stat(pid: number, parent: number, session: number, state = "S") {
  return { pid, parent, session, state, startedAt: `${pid}00`, cpuTicks: 0 };
}

function pidsOf(...args: Parameters<typeof leftOf>): number[] {
  return leftOf(...args).map(({ pid }) => pid);
}

Deno.test("leftOf() finds a session and what is below it, and leaves zombies out", () => {
  const all = [stat(8, 1, 7), stat(9, 8, 9), stat(10, 9, 9), stat(11, 1, 7, "Z"), stat(12, 1, 12)];
  assertEquals(pidsOf(7, [], all), [8, 9, 10]);
});

Deno.test("leftOf() leaves a session alone whose leader is there", () => {
  assertEquals(pidsOf(7, [], [stat(7, 1, 7), stat(8, 7, 7)]), []);
  assertEquals(pidsOf(7, [], [stat(7, 1, 7, "Z"), stat(8, 7, 7)]), [8]);
});

Deno.test("leftOf() tells who was known from who has the same pid by now", () => {
  const all = [stat(8, 1, 8), stat(9, 8, 8), stat(10, 1, 10)];
  assertEquals(pidsOf(7, [{ pid: 8, startedAt: "800" }], all), [8, 9]);
  assertEquals(pidsOf(7, [{ pid: 8, startedAt: "799" }], all), []);
});

Deno.test("descendantsOf() and endSession() end what is below a child in other sessions", async () => {
  const child = new Deno.Command("sh", {
    args: ["-c", "setsid sh -c 'echo $$; exec sleep 1000' & wait"],
    stdout: "piped",
    detached: true,
  }).spawn();
  const reader = child.stdout.getReader();
  const below = Number(new TextDecoder().decode((await reader.read()).value));
  const known = descendantsOf(child.pid);
  assertEquals(known.map(({ pid }) => pid), [below]);
  assertEquals(descendantsOf(below), [], "followed who is no child of ours");
  child.kill("SIGKILL");
  await child.status;
  assertEquals(await endSession(child.pid, known), [below]);
  await reader.cancel();
});

Deno.test("endSession() leaves a session alone whose leader is there", async () => {
  const child = new Deno.Command("sh", {
    args: ["-c", "echo; read _"],
    stdin: "piped",
    stdout: "piped",
    detached: true,
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  assertEquals(await endSession(child.pid, []), []);
  await child.stdin.close();
  await child.status;
  await reader.cancel();
});
