import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path/posix";
import { TOP_USAGE } from "../../../lib/cli/client/top_arguments.ts";
import type { Stats } from "../../../lib/stats/stats.ts";
import { frame, type Surface } from "../../../lib/top/frame.ts";
import type { Model } from "../../../lib/top/model.ts";
import { lineWidth, plainText } from "../../../lib/top/text.ts";
import { FIRST_UI, type Ui } from "../../../lib/top/ui.ts";
import { busyDocument, modelAfter } from "../../helpers/busy_instance.ts";
import { latencyOf, statsDocument, statsWorker } from "../../helpers/stats_document.ts";
import { uwsgiDocument } from "../../helpers/uwsgi_document.ts";

const SURFACE: Surface = {
  columns: 80,
  rows: 24,
  address: "127.0.0.1:9191",
  trouble: null,
  wallMs: 1_795_459_092_000,
};

function screen(model: Model, ui: Partial<Ui> = {}, surface: Partial<Surface> = {}): string {
  const lines = frame(model, { ...FIRST_UI, ...ui }, { ...SURFACE, ...surface });
  return lines.map(plainText).join("\n");
}

function busy(workers: number, changes: Partial<Stats> = {}): Model {
  const [first, ...more] = [0, 1, 2, 3, 4].map((s) => busyDocument(s, workers, changes));
  return modelAfter(first, ...more);
}

/** An instance with ups and downs. */
function waves(changes: Partial<Stats>): Model {
  const at = (second: number) =>
    busyDocument(second + 1.5 * Math.sin(second / 2), 8, {
      ...changes,
      uptime_ms: 7_200_000 + second * 1000,
    });
  return modelAfter(at(0), ...Array.from({ length: 40 }, (_, i) => at(i + 1)));
}

const CHAIN = {
  kind: "chain",
  generation: 3,
  running_ms: 2_500,
  pending: [4],
  starting: [3],
  done: [1, 2],
} as const;

const RELOADING: Partial<Stats> = { reload: CHAIN, queued: "all" };

const ROLLED_BACK: Partial<Stats> = {
  reloads: [{
    kind: "chain",
    outcome: "rolled-back",
    generation: 3,
    at_ms: SURFACE.wallMs - 30_000,
    took_ms: 38,
    text: "Chain reload failed after 38 ms: worker 1 exited with code 1",
  }],
};

/** A slot about which there is everything to say. */
const TROUBLED = statsWorker({
  id: 1,
  pid: 0,
  accepting: 0,
  state: "none",
  requests: 1234,
  exceptions: 5,
  harakiri_count: 2,
  respawn_count: 7,
  deaths: 3,
  respawn_in_ms: 4000,
  last_leave: "killed by SIGSEGV",
  latency: latencyOf({ 1000: 400, 2500: 800, 100_000: 20, [Infinity]: 4 }),
  others: [{
    pid: 4711,
    state: "retiring",
    generation: 1,
    age_ms: 400_000,
    in_flight: 2,
    reason: "reload",
  }],
});

/** Screens by the name of their file in tests/golden/top. */
const SCREENS: Readonly<Record<string, () => string>> = {
  "workers_80x24": () => screen(busy(4, ROLLED_BACK)),
  "workers_140x30": () => screen(busy(12, RELOADING), {}, { columns: 140, rows: 30 }),
  "workers_40x10": () => screen(busy(200), { selected: 100 }, { columns: 40, rows: 10 }),
  "reloading_80x24": () =>
    screen(waves({ reload: { ...CHAIN, pending: [4, 5, 6, 7, 8] } }), {
      order: { column: "rate", descending: true },
    }),
  "worker_80x24": () =>
    screen(modelAfter(statsDocument({ workers: [TROUBLED] })), { screen: "worker", selected: 1 }),
  "worker_40x10": () =>
    screen(busy(4), { screen: "worker", selected: 2, scrolled: 99 }, { columns: 40, rows: 10 }),
  "help_80x24": () => screen(busy(1), { screen: "help" }),
  "uwsgi_80x24": () => screen(modelAfter(uwsgiDocument(10), uwsgiDocument(52))),
  "uwsgi_worker_80x24": () =>
    screen(modelAfter(uwsgiDocument(10), uwsgiDocument(52)), { screen: "worker", selected: 1 }),
  "question_40x10": () => screen(busy(4), { question: "chain-reload" }, { columns: 40, rows: 10 }),
  "trouble_40x10": () =>
    screen(busy(4), {}, {
      trouble: "No stats from 127.0.0.1:9191: nobody listens there",
      columns: 40,
      rows: 10,
    }),
};

const GOLDEN = fromFileUrl(new URL("../../golden/top/", import.meta.url));

// With `-- --update` the files are written: look at the difference before you commit it.
for (const [name, show] of Object.entries(SCREENS)) {
  Deno.test(`frame() draws ${name} as in its golden file`, () => {
    const path = `${GOLDEN}${name}.txt`;
    const text = `${show()}\n`;
    if (Deno.args.includes("--update")) Deno.writeTextFileSync(path, text);
    assertEquals(text, Deno.readTextFileSync(path));
  });
}

Deno.test("docs/top.md shows a screen and the usage as they are", () => {
  const text = Deno.readTextFileSync(new URL("../../../docs/top.md", import.meta.url));
  assertStringIncludes(text, SCREENS.reloading_80x24?.().trimEnd() ?? "");
  assertStringIncludes(text, TOP_USAGE);
});

Deno.test("every golden screen has a test", () => {
  const names = [...Deno.readDirSync(GOLDEN)].map(({ name }) => name.replace(/\.txt$/, ""));
  assertEquals(names.sort(), Object.keys(SCREENS).sort());
});

Deno.test("frame() fills a terminal of any size, and no more", () => {
  const models = [busy(0), busy(1, RELOADING), busy(200, ROLLED_BACK), modelAfter(uwsgiDocument())];
  const uis: Partial<Ui>[] = [
    {},
    { screen: "worker", selected: 1 },
    { screen: "worker", selected: 999 },
    { screen: "help", scrolled: Infinity },
    { question: "reload" },
    { note: "so many words that they do not fit into a line of a small terminal ".repeat(9) },
  ];
  for (
    const [columns, rows] of [[80, 24], [40, 10], [20, 4], [1, 1], [3, 2], [300, 100]] as const
  ) {
    for (const model of models) {
      for (const ui of uis) {
        const lines = frame(model, { ...FIRST_UI, ...ui }, { ...SURFACE, columns, rows });
        assertEquals(lines.length, rows);
        for (const line of lines) assert(lineWidth(line) <= columns, plainText(line));
      }
    }
  }
});

Deno.test("frame() shows a slot wherever it is selected", () => {
  const model = busy(200);
  for (const selected of [1, 2, 99, 199, 200]) {
    const text = screen(model, { selected }, { columns: 40, rows: 10 });
    assert(text.split("\n").some((line) => line.trim().startsWith(`${selected} `)), text);
  }
});

Deno.test("frame() shows what was there when the view was paused, and that it is", () => {
  const text = screen(busy(9), { frozen: busy(2) });
  assertStringIncludes(text, "Workers 2 of 2");
  assertStringIncludes(text, "PAUSED");
});
