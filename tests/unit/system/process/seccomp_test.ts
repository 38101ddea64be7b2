import { assertEquals } from "@std/assert";
import {
  type ArgumentCondition,
  type Rule,
  seccompProgram,
} from "../../../../lib/system/process/seccomp.ts";
import {
  type Arch,
  callNumber,
  NEWEST_CALL,
  SYSTEM_CALLS,
} from "../../../../lib/system/system_calls.ts";
import { AUDIT_ARCH, runFilter } from "../../../helpers/bpf.ts";

const ARCHES: readonly Arch[] = ["x86_64", "aarch64"];
const [EPERM, ENOSYS] = [1, 38];

/** A number that no rule names, on both processors: read(2) of x86-64 is io_setup(2) of aarch64. */
const UNNAMED = 0;

for (const arch of ARCHES) {
  const run = (rules: readonly Rule[], number: number | null, ...args: bigint[]) =>
    runFilter(seccompProgram(arch, rules), { arch: AUDIT_ARCH[arch], number: number ?? -1, args });

  Deno.test(`a filter for ${arch} refuses what its rules name, and nothing else`, () => {
    const rules: readonly Rule[] = [
      { calls: ["ptrace", "mount"], errno: "EPERM" },
      { calls: ["clone3"], errno: "ENOSYS" },
    ];
    for (let number = 0; number <= NEWEST_CALL; number++) {
      const expected = number === callNumber("clone3", arch)
        ? ENOSYS
        : [callNumber("ptrace", arch), callNumber("mount", arch)].includes(number)
        ? EPERM
        : "allow";
      assertEquals(run(rules, number), expected, `${number}`);
    }
    assertEquals(run([], UNNAMED), "allow");
  });

  Deno.test(`a filter for ${arch} refuses other ABIs, and calls newer than its table`, () => {
    for (const number of [UNNAMED, callNumber("ptrace", arch) ?? 0]) {
      for (const other of Object.values(AUDIT_ARCH).filter((one) => one !== AUDIT_ARCH[arch])) {
        assertEquals(runFilter(seccompProgram(arch, []), { arch: other, number }), EPERM);
      }
      assertEquals(run([], 0x40000000 | number), EPERM);
    }
    assertEquals(run([], NEWEST_CALL + 1), ENOSYS);
    assertEquals(run([], 0x3fffffff), ENOSYS);
    assertEquals(run([], 0xffffffff), EPERM);
  });

  Deno.test(`conditions for ${arch} compare the low half of an argument, unsigned`, () => {
    const kill = callNumber("kill", arch);
    const rule = (
      when: readonly ArgumentCondition[],
    ): Rule[] => [{ calls: ["kill"], errno: "EPERM", when }];
    const minus = 0xffffffffn;
    const cases = [
      ["equal", 5n, EPERM],
      ["equal", 6n, "allow"],
      ["equal", (7n << 32n) | 5n, EPERM],
      ["unequal", 5n, "allow"],
      ["unequal", 6n, EPERM],
      ["unequal", minus, EPERM],
      ["below", 4n, EPERM],
      ["below", 5n, "allow"],
      ["below", minus, "allow"],
      ["from", 4n, "allow"],
      ["from", 5n, EPERM],
      ["from", minus, EPERM],
    ] as const;
    for (let arg = 0; arg < 6; arg++) {
      for (const [is, value, expected] of cases) {
        const args = Array<bigint>(arg).fill(5n).concat(value);
        assertEquals(
          run(rule([{ arg, is, value: 5 }]), kill, ...args),
          expected,
          `${arg} ${is} ${value}`,
        );
      }
    }
    const masked = rule([{ arg: 0, mask: 0xff00, is: "equal", value: 0x1200 }]);
    assertEquals(run(masked, kill, 0x1234n), EPERM);
    assertEquals(run(masked, kill, 0x71234n), EPERM);
    assertEquals(run(masked, kill, 0x1334n), "allow");
    const sign = rule([{ arg: 0, mask: 0x80000000, is: "equal", value: 0x80000000 }]);
    assertEquals(run(sign, kill, minus), EPERM);
  });

  Deno.test(`a rule for ${arch} takes all of its conditions, and the next rules are looked at`, () => {
    const [kill, ptrace] = [callNumber("kill", arch), callNumber("ptrace", arch)];
    const both: Rule = {
      calls: ["kill"],
      errno: "EPERM",
      when: [
        { arg: 0, is: "from", value: 3 },
        { arg: 0, is: "below", value: 9, mask: 0xff },
        { arg: 1, is: "unequal", value: 1 },
      ],
    };
    const rules: readonly Rule[] = [
      both,
      { calls: ["kill"], errno: "ENOSYS", when: [{ arg: 2, is: "equal", value: 7 }] },
      { calls: ["ptrace"], errno: "EPERM" },
    ];
    for (let first = 0n; first < 12n; first++) {
      for (let second = 0n; second < 3n; second++) {
        const holds = first >= 3n && first < 9n && second !== 1n;
        assertEquals(run(rules, kill, first, second), holds ? EPERM : "allow");
        assertEquals(run(rules, kill, first, second, 7n), holds ? EPERM : ENOSYS);
      }
    }
    assertEquals(run(rules, ptrace), EPERM);
  });
}

Deno.test("numbers of system calls are those of the headers, where these are there", () => {
  const headers = [
    ["x86_64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h", /^#define __NR_(\w+) (\d+)/gm],
    ["aarch64", "/usr/include/asm-generic/unistd.h", /^#define __NR(?:3264)?_(\w+) (\d+)/gm],
  ] as const;
  for (const [arch, path, line] of headers) {
    let text: string;
    try {
      text = Deno.readTextFileSync(path);
    } catch {
      continue;
    }
    const known = new Map(
      [...text.matchAll(line)].map(([, name, number]) => [name, Number(number)]),
    );
    for (const name of SYSTEM_CALLS) {
      // Headers may be older than the table.
      const number = callNumber(name, arch);
      if (known.has(name) || number === null) {
        assertEquals(number, known.get(name) ?? null, `${arch} ${name}`);
      }
    }
  }
});

Deno.test("no two system calls have the same number", () => {
  for (const arch of ARCHES) {
    const numbers = SYSTEM_CALLS.map((name) => callNumber(name, arch)).filter((one) =>
      one !== null
    );
    assertEquals(new Set(numbers).size, numbers.length);
    assertEquals(numbers.filter((number) => number > NEWEST_CALL), []);
  }
});
