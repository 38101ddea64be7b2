/**
 * Filters of system calls (seccomp(2)): an assembler that makes a program of classic BPF from a list of
 * rules, and the call that puts it around all threads of this process, for good.
 *
 * @module
 */

import { ERRNO, lastErrno, type Libc } from "../libc.ts";
import { type Arch, callNumber, NEWEST_CALL, type SystemCall } from "../system_calls.ts";

/**
 * A comparison of the low 32 bits of an argument. They are all that the kernel looks at where it takes an
 * `int`, which are the only arguments that rules compare.
 */
export interface ArgumentCondition {
  /** Which argument, from 0 to 5. */
  readonly arg: number;
  /** The bits that are compared. @default all */
  readonly mask?: number;
  /** Unsigned: `from` is greater or equal. */
  readonly is: "equal" | "unequal" | "below" | "from";
  readonly value: number;
}

/** System calls that are refused. A call that no rule refuses is allowed. */
export interface Rule {
  readonly calls: readonly SystemCall[];
  /** What the caller gets. `ENOSYS` is for calls that have an older substitute. */
  readonly errno: "EPERM" | "ENOSYS";
  /** They are refused where all of these hold; none: always. */
  readonly when?: readonly ArgumentCondition[];
}

/** `AUDIT_ARCH_*` of linux/audit.h. */
const AUDIT_ARCH: Readonly<Record<Arch, number>> = {
  x86_64: 0xc000_003e,
  aarch64: 0xc000_00b7,
};

/** Numbers from here on are of the x32 ABI of x86-64, with arguments that no rule would understand. */
const X32 = 0x4000_0000;

/** Offsets in `struct seccomp_data`; arguments are 64 bits each, the low half first. */
const NUMBER_AT = 0;
const ARCH_AT = 4;
const ARGS_AT = 16;

/** Operations of classic BPF (linux/filter.h). */
const LOAD = 0x20;
const AND = 0x54;
const JUMP_EQUAL = 0x15;
const JUMP_GREATER = 0x25;
const JUMP_FROM = 0x35;
const RETURN = 0x06;

const SECCOMP_RET_ERRNO = 0x0005_0000;
const SECCOMP_RET_ALLOW = 0x7fff_0000;
const ERRNO_OF = { EPERM: ERRNO.EPERM, ENOSYS: 38 } as const;

/** `jt` and `jf`: how many instructions are skipped if a comparison holds, and if it does not. */
type Instruction = readonly [code: number, jt: number, jf: number, k: number];
const INSTRUCTION_BYTES = 8;

/**
 * Assembles a filter.
 *
 * A system call of another ABI (32 bits, x32) is refused with EPERM. One that is newer than the table of
 * calls is refused with ENOSYS: programs then do without.
 *
 * @returns An array of `struct sock_filter`.
 */
export function seccompProgram(arch: Arch, rules: readonly Rule[]): Uint8Array<ArrayBuffer> {
  const program: readonly Instruction[] = [
    [LOAD, 0, 0, ARCH_AT],
    [JUMP_EQUAL, 1, 0, AUDIT_ARCH[arch]],
    refuse("EPERM"),
    [LOAD, 0, 0, NUMBER_AT],
    // Both numbers are above the newest one: the x32 ABI is told apart for the sake of the error.
    [JUMP_FROM, 0, 1, X32],
    refuse("EPERM"),
    [JUMP_GREATER, 0, 1, NEWEST_CALL],
    refuse("ENOSYS"),
    ...rules.flatMap((rule) => rule.calls.flatMap((call) => refusal(callNumber(call, arch), rule))),
    [RETURN, 0, 0, SECCOMP_RET_ALLOW],
  ];
  const bytes = new Uint8Array(program.length * INSTRUCTION_BYTES);
  const view = new DataView(bytes.buffer);
  program.forEach(([code, jt, jf, k], i) => {
    const at = i * INSTRUCTION_BYTES;
    view.setUint16(at, code, true);
    view.setUint8(at + 2, jt);
    view.setUint8(at + 3, jf);
    view.setUint32(at + 4, k, true);
  });
  return bytes;
}

function refuse(errno: Rule["errno"]): Instruction {
  return [RETURN, 0, 0, SECCOMP_RET_ERRNO | ERRNO_OF[errno]];
}

/** The accumulator holds the number of the call before, and after if the call goes on. */
function refusal(number: number | null, { errno, when = [] }: Rule): Instruction[] {
  if (number === null) return [];
  const tests = when.map((condition) => comparison(condition));
  const body = tests.flat();
  const length = body.length + 1 + (when.length === 0 ? 0 : 1);
  let left = body.length + 1;
  const linked = tests.flatMap((test) => {
    left -= test.length;
    // The last instruction of a comparison goes to the restoring load unless it holds.
    return test.map(([code, jt, jf, k]): Instruction => [code, jt * left, jf * left, k]);
  });
  return [
    [JUMP_EQUAL, 0, length, number],
    ...linked,
    refuse(errno),
    ...when.length === 0 ? [] : [[LOAD, 0, 0, NUMBER_AT] as const],
  ];
}

/** `jt` and `jf` are 1 where the rule does not hold. */
function comparison({ arg, mask, is, value }: ArgumentCondition): Instruction[] {
  const load: Instruction = [LOAD, 0, 0, ARGS_AT + 8 * arg];
  const masked: Instruction[] = mask === undefined ? [] : [[AND, 0, 0, mask >>> 0]];
  const jump: Readonly<Record<ArgumentCondition["is"], Instruction>> = {
    equal: [JUMP_EQUAL, 0, 1, value >>> 0],
    unequal: [JUMP_EQUAL, 1, 0, value >>> 0],
    below: [JUMP_FROM, 1, 0, value >>> 0],
    from: [JUMP_FROM, 0, 1, value >>> 0],
  };
  return [load, ...masked, jump[is]];
}

const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_SET_MODE_FILTER = 1n;
const SECCOMP_FILTER_FLAG_TSYNC = 1n;

const SECCOMP_GET_ACTION_AVAIL = 2n;

/**
 * Why the kernel, or a filter of a container, takes no seccomp filters.
 *
 * @returns A few words; null: it takes them.
 */
export function seccompProblem(c: Libc, arch: Arch): string | null {
  const call = callNumber("seccomp", arch);
  if (call === null) return "the processor has no seccomp(2)";
  const action = new Uint8Array(new Uint32Array([SECCOMP_RET_ERRNO]).buffer);
  const result = c.system_call(BigInt(call), SECCOMP_GET_ACTION_AVAIL, 0n, action);
  return result === 0n ? null : c.errorText(lastErrno(c));
}

/**
 * Puts a filter around all threads of this process, and around what it starts. It cannot be taken away.
 * From then on no program gains privileges when it is executed (`no_new_privs`, prctl(2)).
 *
 * @returns Null: the filter is there. Otherwise why it is not, in a few words.
 */
export function installSeccompFilter(
  c: Libc,
  arch: Arch,
  program: Uint8Array<ArrayBuffer>,
): string | null {
  const call = callNumber("seccomp", arch);
  if (call === null) return "the processor has no seccomp(2)";
  if (c.prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n) !== 0) return c.errorText(lastErrno(c));
  // struct sock_fprog: a length, and a pointer at the next multiple of eight bytes.
  const header = new BigUint64Array([
    BigInt(program.length / INSTRUCTION_BYTES),
    BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(program))),
  ]);
  const result = c.system_call(
    BigInt(call),
    SECCOMP_SET_MODE_FILTER,
    SECCOMP_FILTER_FLAG_TSYNC,
    new Uint8Array(header.buffer),
  );
  if (result === 0n) return null;
  return result > 0n ? `thread ${result} has another filter` : c.errorText(lastErrno(c));
}
