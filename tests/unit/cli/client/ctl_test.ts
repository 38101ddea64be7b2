import { assertEquals } from "@std/assert";
import { resultOfVerdict } from "../../../../lib/cli/client/ctl.ts";
import type { Verdict } from "../../../../lib/core/verdict.ts";

const failed: Verdict = {
  outcome: "rolled-back",
  generation: 1,
  tookMs: 12,
  slots: [{ slot: 1, oldPid: 10, newPid: 10 }, { slot: 2, oldPid: 11, newPid: null }],
  failures: [
    { slot: 1, why: "exited with code 1: SyntaxError: Expected ',' (/srv/a b/app.ts:3:41)" },
    { slot: 2, why: "did not accept within 60 s" },
    { slot: 3, why: "Error: no (file:///srv/app.ts:7:1)" },
  ],
  text: "Chain reload failed",
};

Deno.test("resultOfVerdict() has a name for the exit code of each outcome", () => {
  const exits = (["done", "rolled-back", "failed", "cancelled"] as const).map((outcome) =>
    resultOfVerdict({ ...failed, outcome }).exit
  );
  assertEquals(exits, ["ok", "rolledBack", "failed", "cancelled"]);
});

Deno.test("resultOfVerdict() tells people why, and which process replaced which", () => {
  assertEquals(
    resultOfVerdict(failed).text,
    `Chain reload failed
  slot 1 exited with code 1: SyntaxError: Expected ',' (/srv/a b/app.ts:3:41)
  slot 2 did not accept within 60 s
  slot 3 Error: no (file:///srv/app.ts:7:1)
  slot 2: pid 11 → none`,
  );
});

Deno.test("resultOfVerdict() says nothing twice", () => {
  const [first] = failed.failures;
  const text = `Chain reload failed: worker 1 ${first?.why}. Slots 1 and 2 run generation 1`;
  const failures = first === undefined ? [] : [first];
  assertEquals(resultOfVerdict({ ...failed, text, failures, slots: [] }).text, text);
});

Deno.test("resultOfVerdict() tells machines the file and line of an error", () => {
  const { failures, outcome } = resultOfVerdict(failed).value as {
    readonly outcome: string;
    readonly failures: readonly Record<string, unknown>[];
  };
  assertEquals(outcome, "rolled-back");
  assertEquals(failures.map(({ slot, file, line }) => [slot, file, line]), [
    [1, "/srv/a b/app.ts", 3],
    [2, undefined, undefined],
    [3, "/srv/app.ts", 7],
  ]);
});
