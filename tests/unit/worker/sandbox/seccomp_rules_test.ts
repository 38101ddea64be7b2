import { assertEquals } from "@std/assert";
import { seccompProgram } from "../../../../lib/system/process/seccomp.ts";
import { type Arch, callNumber, type SystemCall } from "../../../../lib/system/system_calls.ts";
import {
  type DescriptorGuard,
  seccompRules,
} from "../../../../lib/worker/sandbox/seccomp_rules.ts";
import { AUDIT_ARCH, runFilter } from "../../../helpers/bpf.ts";

const ARCHES: readonly Arch[] = ["x86_64", "aarch64"];
const [EPERM, ENOSYS] = [1, 38];
const PID = 4711;
const NOTHING = { run: false, ffi: false, write: false, net: false };

/** What becomes of a call; one that the processor lacks is refused by nobody having it. */
function outcome(
  arch: Arch,
  grants: Partial<typeof NOTHING>,
  call: SystemCall,
  args: readonly (bigint | number)[] = [],
  guard: DescriptorGuard | null = null,
): "allow" | number {
  const program = seccompProgram(arch, seccompRules({ ...NOTHING, ...grants }, PID, guard));
  const number = callNumber(call, arch);
  if (number === null) return "allow";
  return runFilter(program, { arch: AUDIT_ARCH[arch], number, args: args.map(BigInt) });
}

for (const arch of ARCHES) {
  const there = (call: SystemCall, expected: number) =>
    callNumber(call, arch) === null ? "allow" : expected;

  Deno.test(`nobody in a sandbox on ${arch} may touch the machine or other processes' memory`, () => {
    const calls: readonly SystemCall[] = [
      ...[
        "ptrace",
        "process_vm_readv",
        "process_vm_writev",
        "pidfd_getfd",
        "bpf",
        "mount",
      ] as const,
      ...["umount2", "fsopen", "open_tree", "move_mount", "mount_setattr", "pivot_root"] as const,
      ...["chroot", "setns", "unshare", "keyctl", "add_key", "request_key", "init_module"] as const,
      ...["finit_module", "kexec_load", "reboot", "swapon", "acct", "settimeofday"] as const,
      ...["open_by_handle_at", "userfaultfd", "perf_event_open", "iopl", "kcmp"] as const,
    ];
    for (const grants of [{}, { run: true }, { ffi: true, write: true, net: true, run: true }]) {
      for (const call of calls) {
        assertEquals(outcome(arch, grants, call), there(call, EPERM), call);
      }
      assertEquals(outcome(arch, grants, "clone3"), ENOSYS);
      assertEquals(outcome(arch, grants, "io_uring_setup"), ENOSYS);
      for (const space of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x40000000]) {
        assertEquals(outcome(arch, grants, "clone", [0x10000 | space]), EPERM);
      }
      assertEquals(outcome(arch, grants, "ioctl", [0, 0x5412]), EPERM);
      assertEquals(outcome(arch, grants, "ioctl", [0, 0x541c]), EPERM);
      assertEquals(outcome(arch, grants, "ioctl", [0, 0x5413]), "allow");
      assertEquals(outcome(arch, grants, "personality", [0x40000]), EPERM);
      assertEquals(outcome(arch, grants, "personality", [0xffffffff]), "allow");
      assertEquals(outcome(arch, { ...grants, write: true }, "mknodat", [0, 0, 0o020666]), EPERM);
      assertEquals(outcome(arch, { ...grants, write: true }, "mknodat", [0, 0, 0o060666]), EPERM);
      assertEquals(outcome(arch, { ...grants, write: true }, "mknodat", [0, 0, 0o010666]), "allow");
      assertEquals(outcome(arch, grants, "seccomp"), "allow");
    }
  });

  Deno.test(`sockets in a sandbox on ${arch} are of the families that Deno speaks`, () => {
    const [STREAM, DGRAM, RAW, CLOEXEC] = [1, 2, 3, 0o2000000];
    for (const family of [1, 2, 10]) {
      assertEquals(outcome(arch, {}, "socket", [family, STREAM | CLOEXEC, 0]), "allow");
      assertEquals(outcome(arch, {}, "socket", [family, DGRAM, 0]), "allow");
    }
    assertEquals(outcome(arch, {}, "socket", [16, RAW | CLOEXEC, 0]), "allow");
    // NETLINK_AUDIT, NETLINK_NETFILTER
    assertEquals(outcome(arch, {}, "socket", [16, RAW, 9]), EPERM);
    assertEquals(outcome(arch, {}, "socket", [16, RAW, 12]), EPERM);
    for (const family of [2, 10]) {
      assertEquals(outcome(arch, { net: true }, "socket", [family, RAW | CLOEXEC, 1]), EPERM);
    }
    // AF_KEY, AF_PACKET, AF_BLUETOOTH, AF_ALG, AF_XDP, and a family that is none.
    for (const family of [15, 17, 31, 38, 44, 0xffffffff]) {
      assertEquals(outcome(arch, { net: true, run: true }, "socket", [family, STREAM, 0]), EPERM);
    }
    assertEquals(outcome(arch, {}, "socket", [40, STREAM, 0]), EPERM);
    assertEquals(outcome(arch, { net: true }, "socket", [40, STREAM, 0]), "allow");
  });

  Deno.test(`who may start no programs on ${arch} starts none and signals nobody but itself`, () => {
    const thread = 0x3d0f00;
    const fork = 0x1200011;
    const vfork = 0x4111;
    for (const grants of [{}, { net: true, write: true }]) {
      for (const call of ["execve", "execveat", "fork", "vfork", "pidfd_open", "setuid"] as const) {
        assertEquals(outcome(arch, grants, call), there(call, EPERM), call);
      }
      assertEquals(outcome(arch, grants, "clone", [thread]), "allow");
      assertEquals(outcome(arch, grants, "clone", [fork]), EPERM);
      assertEquals(outcome(arch, grants, "clone", [vfork]), EPERM);
      for (const call of ["kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"] as const) {
        assertEquals(outcome(arch, grants, call, [PID, 9]), "allow");
        for (const other of [0, 1, -1, -PID, PID + 1]) {
          assertEquals(outcome(arch, grants, call, [other, 9]), EPERM, `${call} ${other}`);
        }
      }
      assertEquals(outcome(arch, grants, "tkill", [PID]), EPERM);
      assertEquals(outcome(arch, grants, "prlimit64", [0]), "allow");
      assertEquals(outcome(arch, grants, "prlimit64", [1]), EPERM);
      for (const option of [1, 4, 35, 0x59616d61]) {
        assertEquals(outcome(arch, grants, "prctl", [option]), EPERM);
      }
      // PR_SET_NAME, which threads of Deno call.
      assertEquals(outcome(arch, grants, "prctl", [15]), "allow");
    }
    for (const grants of [{ run: true }, { ffi: true }]) {
      for (const call of ["execve", "vfork", "pidfd_open", "setuid"] as const) {
        assertEquals(outcome(arch, grants, call), "allow", call);
      }
      assertEquals(outcome(arch, grants, "clone", [vfork]), "allow");
      assertEquals(outcome(arch, grants, "kill", [PID + 1, 9]), "allow");
    }
  });

  Deno.test(`who may not write on ${arch} changes no owners, times and attributes`, () => {
    for (const call of ["chown", "fchownat", "setxattr", "utimensat", "mknodat"] as const) {
      assertEquals(outcome(arch, { net: true, run: true }, call), there(call, EPERM), call);
      assertEquals(outcome(arch, { write: true }, call), "allow", call);
    }
  });

  Deno.test(`guarded descriptors on ${arch} take a key`, () => {
    const key = [0xdeadbeef, 0x12345678] as const;
    const guard = (stdio: boolean): DescriptorGuard => ({ below: 40, key, stdio });
    const close = (fd: number, given: readonly number[], stdio = true) =>
      outcome(arch, {}, "close", [fd, 0, 0, 0, ...given], guard(stdio));
    const dup = (call: "dup2" | "dup3", to: number, given: readonly number[]) =>
      outcome(arch, {}, call, [99, to, 0, 0, ...given], guard(true));
    for (const fd of [0, 2, 3, 39]) {
      assertEquals(close(fd, key), "allow");
      for (const wrong of [[], [key[0], 0], [0, key[1]], [key[1], key[0]]]) {
        assertEquals(close(fd, wrong), EPERM, `${fd} ${wrong}`);
        assertEquals(dup("dup3", fd, wrong), EPERM);
        assertEquals(dup("dup2", fd, wrong), there("dup2", EPERM));
      }
      assertEquals(dup("dup3", fd, key), "allow");
    }
    for (const fd of [40, 1000, 0xffffffff]) {
      assertEquals(close(fd, []), "allow");
      assertEquals(dup("dup3", fd, []), "allow");
    }
    assertEquals([close(0, [], false), close(2, [], false), close(3, [], false)], [
      "allow",
      "allow",
      EPERM,
    ]);
    // The upper half of the register is not looked at by the kernel.
    assertEquals(outcome(arch, {}, "close", [(1n << 32n) | 3n], guard(true)), EPERM);
    const range = (first: number, last: number, flags: number) =>
      outcome(arch, {}, "close_range", [first, last, flags, 0, ...key], guard(true));
    assertEquals([range(0, 5, 0), range(39, 2 ** 32 - 1, 2), range(40, 50, 0), range(3, 9, 4)], [
      EPERM,
      EPERM,
      "allow",
      "allow",
    ]);
  });
}
