import { assert, assertEquals } from "@std/assert";
import { processCpuMs } from "../../../../lib/system/process/process_cpu.ts";

Deno.test("processCpuMs() grows while a process works", () => {
  const before = processCpuMs(Deno.pid) ?? 0;
  assert(before > 0);
  // As long as it takes: what another process does on this CPU is not counted.
  let after = before;
  for (let i = 0; after < before + 50; i++) {
    if (i % 1_000_000 === 0) after = processCpuMs(Deno.pid) ?? Infinity;
  }
  assert(after < Infinity);
});

Deno.test("processCpuMs() is null for a process that is not there", () => {
  assertEquals(processCpuMs(2 ** 31 - 1), null);
});

Deno.test("processCpuMs() reads over names with parentheses and spaces", async () => {
  const child = new Deno.Command("sh", {
    args: ["-c", "printf 'a) 1 2 (b' > /proc/$$/comm; echo; cat"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  const cpu = processCpuMs(child.pid);
  assert(cpu !== null && cpu < 60_000, `${cpu}`);
  reader.releaseLock();
  await child.stdin.close();
  await child.stdout.cancel();
  await child.status;
});
