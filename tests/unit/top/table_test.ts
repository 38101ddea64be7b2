import { assert, assertEquals } from "@std/assert";
import type { SortOrder } from "../../../lib/top/columns.ts";
import type { Model } from "../../../lib/top/model.ts";
import { window, workerTable } from "../../../lib/top/table.ts";
import { plainText } from "../../../lib/top/text.ts";
import { busyDocument, modelAfter } from "../../helpers/busy_instance.ts";
import { statsDocument, statsWorker } from "../../helpers/stats_document.ts";

const MODEL = modelAfter(busyDocument(0, 20), busyDocument(1, 20));

function table(model: Model, order: Partial<SortOrder> = {}, width = 200, height = Infinity) {
  return workerTable(model, {
    order: { column: "id", descending: false, ...order },
    wallMs: 0,
    width,
    height,
    selected: 10,
    marked: true,
  }).map(plainText);
}

/** The first words of the rows. */
function ids(lines: readonly string[]): readonly string[] {
  return lines.slice(1).map((line) => line.trim().split(" ")[0] ?? "");
}

Deno.test("workerTable() sorts by each column, and slots that are alike by their number", () => {
  assertEquals(ids(table(MODEL, { column: "rate", descending: true })).slice(0, 3), [
    "20",
    "19",
    "18",
  ]);
  assertEquals(ids(table(MODEL, { column: "errors", descending: true })).slice(0, 3), [
    "1",
    "2",
    "3",
  ]);
  const states = modelAfter(statsDocument({
    workers: [
      statsWorker({ id: 1, state: "starting" }),
      statsWorker({ id: 2, pid: 0, state: "none", status: "cheap", accepting: 0 }),
      statsWorker({ id: 3 }),
    ],
  }));
  assertEquals(ids(table(states, { column: "state" })), ["3", "2", "1"]);
});

Deno.test("workerTable() leaves out columns where there is little room, not the one it is sorted by", () => {
  const head = (width: number, order: Partial<SortOrder> = {}) =>
    (table(MODEL, order, width)[0] ?? "").split(/\s+/).filter((word) => word !== "");
  assertEquals(head(200).slice(0, 5), ["ID▲", "PID", "STATE", "GEN", "REQ/S"]);
  assertEquals(head(20), ["ID▲", "STATE", "REQ/S"]);
  assertEquals(head(20, { column: "errors", descending: true }), ["ID", "STATE", "ERRS▼"]);
  assertEquals(head(1), ["ID▲"]);
  assertEquals(head(80).filter((word) => word === "REQ/S").length, 2);
});

Deno.test("workerTable() shows what there is room for, the selected slot among it", () => {
  const lines = table(MODEL, {}, 80, 6);
  assertEquals(lines.length, 6);
  assert(ids(lines).includes("10"));
});

Deno.test("window() shows the selected row in any order and size", () => {
  const rows = Array.from({ length: 30 }, (_, i) => i);
  for (let height = 1; height <= 31; height++) {
    for (const selected of rows) {
      const shown = window(rows, selected, height);
      assertEquals(shown.length, Math.min(30, height));
      assert(shown.includes(selected));
    }
  }
  assertEquals(window(rows, 3, 0), []);
});
