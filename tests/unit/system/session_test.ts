import { assertEquals } from "@std/assert";
import { endSession, isInSession } from "../../../lib/system/session.ts";

Deno.test("isInSession() reads the session behind any name, and leaves zombies out", () => {
  assertEquals(isInSession("12 (a) b) (c) S 1 12 7 0 -1", 7), true);
  assertEquals(isInSession("12 (sh) S 1 7 12 0 -1", 7), false);
  assertEquals(isInSession("12 (sh) Z 1 12 7 0 -1", 7), false);
  assertEquals(isInSession("", 7), false);
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
  assertEquals(await endSession(child.pid), []);
  await child.stdin.close();
  await child.status;
  await reader.cancel();
});
