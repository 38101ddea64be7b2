import { assertEquals } from "@std/assert";
import { conditionOf, tilesOf } from "../../../../lib/page/browser/summary_figures.ts";
import { ratesBetween } from "../../../../lib/stats/rates.ts";
import { statsDocument, statsWorker } from "../../../helpers/stats_document.ts";

/** What a tile says of a document, after a second in which it served nothing. */
function tile(name: string, changes: Parameters<typeof statsDocument>[0]) {
  const stats = statsDocument(changes);
  const rates = ratesBetween({ ...stats, uptime_ms: stats.uptime_ms - 1000 }, stats);
  const found = tilesOf(stats, rates).find((one) => one.name === name);
  return [found?.value, found?.note, found?.alarming];
}

const SOCKET = {
  name: ":80",
  proto: "http",
  queue: 5,
  max_queue: 100,
  shared: 0,
  can_offload: 0,
  queues: 1,
} as const;

Deno.test("fewer workers than wanted, a full queue and errors are alarming", () => {
  const workers = [statsWorker({ id: 1, in_flight: 2 }), statsWorker({ id: 2, accepting: 0 })];
  assertEquals(tile("Workers", { workers }), ["1 / 2", "accepting", true]);
  assertEquals(tile("Workers", { workers, wanted: 1, processes: 4 }), [
    "1 / 1",
    "accepting, of 4 slots",
    false,
  ]);
  assertEquals(tile("In flight", { workers, in_flight: 2 }), ["2", "in 1 worker", false]);
  const sockets = [SOCKET];
  assertEquals(tile("Listen queue", { sockets, listen_queue: 5 }), ["5", "room for 100", false]);
  const full = { sockets, listen_queue: 100, listen_queue_errors: 7 };
  assertEquals(tile("Listen queue", full), ["100", "7 dropped", true]);
  assertEquals(tile("Requests/s", {}), ["0", "no errors", false]);
});

Deno.test("a reload is told by its age, and what is not known is not made up", () => {
  const { started_on, uptime_ms } = statsDocument();
  const last = { kind: "chain", outcome: "done", generation: 2, took_ms: 1, text: "" } as const;
  const reloads = [{ ...last, at_ms: started_on * 1000 + uptime_ms - 5000 }];
  assertEquals(tile("Generation", { generation: 2, reloads }), ["2", "reload 5 s ago", false]);
  assertEquals(tile("Generation", {}), ["1", "no reload yet", false]);
  assertEquals(tilesOf(statsDocument(), null).slice(0, 2).map(({ value }) => value), ["–", "–"]);
});

Deno.test("the condition of an instance is one word", () => {
  const reload = { kind: "all", generation: 2, running_ms: 1, pending: [], starting: [], done: [] };
  assertEquals(
    [
      statsDocument(),
      statsDocument({ paused: true }),
      statsDocument({ reload: { ...reload, kind: "all" } }),
      statsDocument({ phase: "stopping" }),
    ].map(conditionOf),
    ["running", "paused", "reloading", "stopping"],
  );
});
