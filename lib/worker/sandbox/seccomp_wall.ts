/**
 * Runs in the worker, where it is a sandbox: lets the kernel refuse system calls from now on. The master
 * looks at /proc/PID/status to know whether it holds: it does not ask the worker.
 *
 * @module
 */

import type { SeccompPlan } from "../../protocol/worker_environment.ts";
import type { Libc } from "../../system/libc.ts";
import { installSeccompFilter, seccompProgram } from "../../system/process/seccomp.ts";
import { type DescriptorGuard, seccompRules } from "./seccomp_rules.ts";

/**
 * Puts the filter around all threads of this process, which must still have the permission for foreign
 * functions.
 *
 * @param guard Which descriptors keep their numbers; null: none.
 * @throws {Error} If the kernel refuses the filter and the configuration requires it.
 */
export function refuseSystemCalls(
  c: Libc,
  { grants, required }: SeccompPlan,
  guard: DescriptorGuard | null,
): void {
  const arch = Deno.build.arch;
  const program = seccompProgram(arch, seccompRules(grants, Deno.pid, guard));
  const problem = installSeccompFilter(c, arch, program);
  if (problem === null || !required) return;
  throw new Error(
    `The kernel takes no seccomp filter (${problem}): use a kernel or a container that does, or ` +
      "remove ,required from sandbox-walls",
  );
}
