/** What the table of peers says, and what it leaves out. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { peerFindings, type PeerResult } from "../../../bench/peer_table.ts";

const WRK = { requestsPerSecond: 1000.4, p99Ms: 2.34, errors: 0 };

const COUNTS = { connections: 1, idleEnds: 0, announcedEnds: 0, goingAway: 0, slowestMs: 1 };

function result(name: string, failed: number): PeerResult {
  return {
    name,
    version: "1.0",
    reloadedBy: "SIGHUP",
    rounds: [{ hello: WRK, json: { ...WRK, errors: 3 }, memory: 80.4 }],
    reloads: {
      ms: [1000, 3000],
      load: {
        requestsPerSecond: 1,
        failed,
        scenarios: {
          "close": { ...COUNTS, ok: 1000 - failed, failed, failures: { reset: failed } },
          "keep-alive": { ...COUNTS, ok: 50, failed: 0, failures: {} },
        },
      },
      problem: null,
    },
    problem: null,
  };
}

Deno.test("a peer's row has medians, spans, errors and losses", () => {
  const { text } = peerFindings([result("duwsgi", 0), result("other", 12)], 2);
  assertStringIncludes(
    text,
    "| other | 1000 | 2.3 | 1000 (3 errors) | 2.3 | 80 | 2.0 (1.0 – 3.0) | 12 of 1,000 | 0 of 50 |",
  );
  assertStringIncludes(text, "- other: 1.0. Reload: SIGHUP; lost: 12 reset");
});

Deno.test("a peer that was skipped is named with the reason, and not in the table", () => {
  const skipped = { ...result("other", 0), rounds: [], reloads: null, problem: "not installed" };
  const { text } = peerFindings([result("duwsgi", 0), skipped], 2);
  assertStringIncludes(text, "- skipped: other: not installed");
  assertEquals(text.includes("| other"), false);
});

Deno.test("a peer that could not be reloaded to the end keeps its row, and says so", () => {
  const { reloads, ...rest } = result("other", 0);
  const broken = { ...rest, reloads: null, problem: "does not serve" };
  const { text } = peerFindings([{ ...rest, name: "duwsgi", reloads }, broken], 2);
  assertMatch(text, /\| other \|.*\| – \| – \| – \|/);
  assertStringIncludes(text, "not measured to the end: does not serve");
});

Deno.test("only duwsgi is judged: by its losses, and by all of its reloads", () => {
  const reached = (ours: PeerResult, wanted: number) =>
    peerFindings([ours, result("other", 12)], wanted).goals.map((goal) => goal.reached);
  assertEquals(reached(result("duwsgi", 0), 2), [true]);
  assertEquals(reached(result("duwsgi", 1), 2), [false]);
  assertEquals(reached(result("duwsgi", 0), 3), [false]);
});
