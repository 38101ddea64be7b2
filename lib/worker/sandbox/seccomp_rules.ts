/**
 * Runs in the worker, where it is a sandbox. Which system calls the kernel refuses a sandboxed process:
 * those that its permissions never need. Deno checks permissions itself; these rules hold also when a
 * script has got around Deno, for example with the C library in its hands.
 *
 * The lists name what is refused and not what is allowed: Deno, V8 and the C library change what they call
 * with each version, and a call that a worker needs must not fail in production.
 *
 * @module
 */

import type { SeccompGrants } from "../../protocol/worker_environment.ts";
import type { ArgumentCondition, Rule } from "../../system/process/seccomp.ts";
import type { SystemCall } from "../../system/system_calls.ts";

/**
 * Keeps the numbers of descriptors: what has a number below `below` cannot be closed or replaced except by
 * callers that pass `key`, as arguments 4 and 5 of the system call, which these calls do not use.
 *
 * It holds for started programs, too, which have descriptors of their own under these numbers: so it is not
 * for processes that may start any.
 */
export interface DescriptorGuard {
  /** The first number that is not guarded. */
  readonly below: number;
  /** Two random 32-bit words, unsigned. */
  readonly key: readonly [number, number];
  /** Whether standard input, output and error are guarded, too. */
  readonly stdio: boolean;
}

/** The kernel and the machine as a whole, mounts, time, the name of the host. */
const MACHINE: readonly SystemCall[] = [
  ...["_sysctl", "acct", "adjtimex", "bpf", "clock_adjtime", "clock_settime"] as const,
  ...["create_module", "delete_module", "finit_module", "get_kernel_syms", "init_module"] as const,
  ...["ioperm", "iopl", "kexec_file_load", "kexec_load", "lookup_dcookie", "nfsservctl"] as const,
  ...["query_module", "quotactl", "quotactl_fd", "reboot", "setdomainname", "sethostname"] as const,
  ...[
    "settimeofday",
    "swapoff",
    "swapon",
    "sysfs",
    "syslog",
    "uselib",
    "ustat",
    "vhangup",
  ] as const,
  ...["chroot", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr"] as const,
  ...["move_mount", "open_tree", "pivot_root", "umount2", "setns", "unshare"] as const,
];

/** Memory and descriptors of other processes, keys, files by handle, and what exploits are made of. */
const OTHERS: readonly SystemCall[] = [
  ...["kcmp", "migrate_pages", "move_pages", "perf_event_open", "pidfd_getfd"] as const,
  ...["process_madvise", "process_mrelease", "process_vm_readv", "process_vm_writev"] as const,
  ...["ptrace", "add_key", "keyctl", "request_key", "name_to_handle_at"] as const,
  ...["open_by_handle_at", "fanotify_init", "memfd_secret", "userfaultfd"] as const,
];

/** What only programs that are started may need. */
const STARTING: readonly SystemCall[] = [
  ...["execve", "execveat", "fork", "vfork", "pidfd_open", "pidfd_send_signal", "tkill"] as const,
  ...["capset", "setfsgid", "setfsuid", "setgid", "setgroups", "setregid", "setresgid"] as const,
  ...["setresuid", "setreuid", "setuid"] as const,
];

/** Calls that change files and that nothing uses to write Deno's cache, which needs no permission. */
const WRITING: readonly SystemCall[] = [
  ...["chown", "fchownat", "lchown", "mknod", "mknodat", "truncate"] as const,
  ...["setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"] as const,
  ...["futimesat", "utime", "utimensat", "utimes"] as const,
];

/** `CLONE_NEW*` of sched.h: new namespaces. */
const CLONE_NEW = 0x7e02_0000;
const CLONE_THREAD = 0x1_0000;
const [AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_VSOCK] = [1, 2, 10, 16, 40];
const [SOCK_RAW, SOCK_TYPE_MASK] = [3, 0xf];
/** The protocol of AF_NETLINK that getifaddrs(3) speaks. */
const NETLINK_ROUTE = 0;
/** They put characters into the input of a terminal. */
const [TIOCSTI, TIOCLINUX] = [0x5412, 0x541c];
const [S_IFMT, S_IFCHR, S_IFBLK] = [0o170000, 0o020000, 0o060000];
/** personality(2): Linux as ever, and the question for what it is now. */
const [PER_LINUX, PER_QUESTION] = [0, 0xffff_ffff];
const [PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_MM, PR_SET_PTRACER] = [1, 4, 35, 0x5961_6d61];
const CLOSE_RANGE_CLOEXEC = 4;

/**
 * The rules.
 *
 * @param pid The process's own number.
 */
export function seccompRules(
  grants: SeccompGrants,
  pid: number,
  guard: DescriptorGuard | null,
): readonly Rule[] {
  const startsPrograms = grants.run || grants.ffi;
  const families = [AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, ...grants.net ? [AF_VSOCK] : []];
  return [
    refused([...MACHINE, ...OTHERS]),
    // The C library does without them: clone(2) can be looked into.
    { calls: ["clone3", "io_uring_enter", "io_uring_register", "io_uring_setup"], errno: "ENOSYS" },
    refused(["clone"], { ...argument(0, "unequal", 0), mask: CLONE_NEW }),
    refused(["socket"], ...families.map((family) => argument(0, "unequal", family))),
    refused(["socket"], argument(0, "equal", AF_NETLINK), argument(2, "unequal", NETLINK_ROUTE)),
    ...[AF_INET, AF_INET6].map((family) =>
      refused(["socket"], argument(0, "equal", family), {
        ...argument(1, "equal", SOCK_RAW),
        mask: SOCK_TYPE_MASK,
      })
    ),
    ...[TIOCSTI, TIOCLINUX].map((request) => refused(["ioctl"], argument(1, "equal", request))),
    ...[S_IFCHR, S_IFBLK].flatMap((type) => [
      refused(["mknod"], { ...argument(1, "equal", type), mask: S_IFMT }),
      refused(["mknodat"], { ...argument(2, "equal", type), mask: S_IFMT }),
    ]),
    refused(
      ["personality"],
      argument(0, "unequal", PER_LINUX),
      argument(0, "unequal", PER_QUESTION),
    ),
    ...startsPrograms ? [] : [
      refused(STARTING),
      refused(["clone"], { ...argument(0, "equal", 0), mask: CLONE_THREAD }),
      refused(
        ["kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"],
        argument(0, "unequal", pid),
      ),
      refused(["prlimit64"], argument(0, "unequal", 0), argument(0, "unequal", pid)),
      ...[PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_MM, PR_SET_PTRACER].map((option) =>
        refused(["prctl"], argument(0, "equal", option))
      ),
    ],
    ...grants.write || grants.ffi ? [] : [refused(WRITING)],
    ...guard === null ? [] : guarded(guard),
  ];
}

/** Refused if either half of the key is wrong. */
function guarded({ below, key: [first, second], stdio }: DescriptorGuard): Rule[] {
  const number = (arg: number) => [
    ...stdio ? [] : [argument(arg, "from", 3)],
    argument(arg, "below", below),
  ];
  return [
    ...[argument(4, "unequal", first), argument(5, "unequal", second)].flatMap((wrong) => [
      refused(["close"], ...number(0), wrong),
      refused(["dup2", "dup3"], ...number(1), wrong),
    ]),
    // To be closed when another program is executed is no harm, and nobody has a key for the rest.
    refused(["close_range"], argument(0, "below", below), {
      ...argument(2, "equal", 0),
      mask: CLOSE_RANGE_CLOEXEC,
    }),
  ];
}

function refused(calls: readonly SystemCall[], ...when: readonly ArgumentCondition[]): Rule {
  return { calls, errno: "EPERM", when };
}

function argument(arg: number, is: ArgumentCondition["is"], value: number): ArgumentCondition {
  return { arg, is, value };
}
