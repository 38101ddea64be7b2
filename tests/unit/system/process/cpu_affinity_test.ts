import { assertEquals } from "@std/assert";
import { CpuAffinity, cpusOfSlot } from "../../../../lib/system/process/cpu_affinity.ts";
import { requireLibc } from "../../../../lib/system/libc.ts";

const c = requireLibc();

function allowed(): string {
  const status = Deno.readTextFileSync("/proc/thread-self/status");
  return /^Cpus_allowed_list:\s*(.*)$/m.exec(status)?.[1] ?? "";
}

Deno.test("cpusOfSlot() goes round in the CPUs there are", () => {
  assertEquals([1, 2, 3].map((slot) => cpusOfSlot(slot, 1, [0, 1])), [[0], [1], [0]]);
  assertEquals([1, 2, 3].map((slot) => cpusOfSlot(slot, 2, [4, 5, 6])), [[4, 5], [6, 4], [5, 6]]);
  assertEquals(cpusOfSlot(5, 8, [2, 3]), [2, 3]);
});

Deno.test("CpuAffinity.during() binds this thread only meanwhile, also when spawning fails", () => {
  const before = allowed();
  const affinity = new CpuAffinity(c, 1);
  const [first, again] = [affinity.during(1, allowed), affinity.during(1, allowed)];
  assertEquals(/^\d+$/.test(first), true, first);
  assertEquals(again, first);
  assertEquals(allowed(), before);
  try {
    affinity.during(1, () => {
      throw new Error("no");
    });
  } catch {
    // What counts is what is left behind.
  }
  assertEquals(allowed(), before);
});
