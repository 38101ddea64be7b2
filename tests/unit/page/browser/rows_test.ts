import { assertEquals } from "@std/assert";
import { ordered, rowsOf } from "../../../../lib/page/browser/rows.ts";
import { ratesBetween } from "../../../../lib/stats/rates.ts";
import { statsDocument, statsWorker } from "../../../helpers/stats_document.ts";

const GONE = { pid: 0, state: "none", accepting: 0 } as const;

Deno.test("a row says what its worker does, and what is to be said beside that", () => {
  const other = { pid: 9, generation: 1, age_ms: 1, in_flight: 0, reason: "reload" } as const;
  const others = [{ ...other, state: "standby" }, { ...other, state: "retiring" }] as const;
  const rows = rowsOf(
    statsDocument({
      workers: [
        statsWorker({ id: 1 }),
        statsWorker({ id: 2, in_flight: 1 }),
        statsWorker({ id: 3, ...GONE, status: "cheap" }),
        statsWorker({ id: 4, ...GONE, respawn_in_ms: 3000, deaths: 2 }),
        statsWorker({ id: 5, ...GONE }),
        statsWorker({ id: 6, state: "starting", others }),
      ],
    }),
    null,
  );
  assertEquals(rows.map(({ state, note }) => [state, note]), [
    ["accepting", ""],
    ["busy", ""],
    ["cheap", ""],
    ["waiting", "next start in 3.0 s, 2 deaths in a row"],
    ["none", ""],
    ["starting", "1 standby, 1 retiring"],
  ]);
});

Deno.test("a row has the rates of its slot, and none where they are not known", () => {
  const before = statsDocument({ workers: [statsWorker({ requests: 1 })] });
  const after = statsDocument({
    uptime_ms: before.uptime_ms + 1000,
    workers: [statsWorker({ requests: 6, respawn_count: 3 }), statsWorker({ id: 2, ...GONE })],
  });
  const rows = rowsOf(after, ratesBetween(before, after));
  assertEquals(rows.map(({ requests }) => requests), [5, null]);
  assertEquals(rows.map(({ lag }) => lag), [300, null]);
  assertEquals(rows[0]?.respawns, 2);
});

Deno.test("rows are ordered by numbers or words; what has none is last, in both directions", () => {
  const workers = [
    statsWorker({ id: 1, in_flight: 2, last_leave: null }),
    statsWorker({ id: 2, in_flight: 11, last_leave: "reload" }),
    statsWorker({ id: 3, in_flight: 2, last_leave: "died" }),
  ];
  const rows = rowsOf(statsDocument({ workers }), null);
  const ids = (key: "inFlight" | "lastLeave", descending: boolean) =>
    ordered(rows, { key, descending }).map(({ id }) => id);
  assertEquals(ids("inFlight", false), [1, 3, 2]);
  assertEquals(ids("inFlight", true), [2, 1, 3]);
  assertEquals(ids("lastLeave", false), [3, 2, 1]);
  assertEquals(ids("lastLeave", true), [2, 3, 1]);
});
