import { assertEquals } from "@std/assert";
import { FIRST_UI, press, type Ui, type UiAction } from "../../../lib/top/ui.ts";
import { busyDocument, modelAfter } from "../../helpers/busy_instance.ts";
import { statsDocument } from "../../helpers/stats_document.ts";
import { uwsgiDocument } from "../../helpers/uwsgi_document.ts";

const MODEL = modelAfter(busyDocument(0, 30), busyDocument(1, 30));

/** What these keys make of the first screen, and what the last one asks for. */
function after(keys: readonly string[], model = MODEL): { ui: Ui; wish: UiAction | null } {
  let ui: Ui = FIRST_UI;
  let wish: UiAction | null = null;
  for (const key of keys) ({ ui, wish } = press(ui, key, model, 0));
  return { ui, wish };
}

Deno.test("j, k and pages select a slot, and stay within the table", () => {
  const selected = (...keys: string[]) => after(keys).ui.selected;
  assertEquals([selected("j"), selected("j", "down", "k")], [2, 2]);
  assertEquals([selected("k"), selected("end"), selected("end", "j")], [1, 30, 30]);
  assertEquals([selected("pageDown"), selected("end", "g"), selected(" ", " ")], [11, 1, 21]);
});

Deno.test("the selection stays with its slot when the order changes", () => {
  const { ui } = after(["j", "j", "r", "j"]);
  assertEquals(ui.selected, 2);
});

Deno.test("s and < go through the columns that are there; figures begin with the highest", () => {
  const order = (...keys: string[]) => after(keys).ui.order;
  assertEquals(order("s"), { column: "pid", descending: false });
  assertEquals(order(">", ">", ">", ">"), { column: "rate", descending: true });
  assertEquals(order("<"), { column: "errors", descending: true });
  assertEquals(order("s", "r"), { column: "pid", descending: true });
  const uwsgi = after(["s", "s", "s"], modelAfter(uwsgiDocument())).ui;
  assertEquals(uwsgi.order.column, "rate");
});

Deno.test("Enter looks at a slot, and keys scroll there until Esc", () => {
  const { ui } = after(["j", "enter", "j", "j"]);
  assertEquals([ui.screen, ui.selected, ui.scrolled], ["worker", 2, 2]);
  assertEquals(after(["j", "enter", "j", "escape"]).ui.screen, "workers");
  assertEquals(after(["enter", "q"]).wish, null);
  assertEquals(after(["enter"], modelAfter(statsDocument({ workers: [] }))).ui.screen, "workers");
});

Deno.test("a reload is asked for only after a y", () => {
  assertEquals(after(["R"]).ui.question, "chain-reload");
  assertEquals(after(["R"]).wish, null);
  assertEquals(after(["R", "y"]).wish, { kind: "reload", command: "chain-reload" });
  assertEquals(after(["G", "Y"]).wish, { kind: "reload", command: "reload" });
  for (const key of ["n", "enter", "R", "escape", "up"]) {
    const { ui, wish } = after(["R", key]);
    assertEquals([ui.question, wish, ui.note], [null, null, "Nothing was reloaded"]);
  }
  assertEquals(after(["R", "x", "y"]).wish, null);
  assertEquals(after(["R", "interrupt"]).wish, { kind: "quit" });
});

Deno.test("p keeps what is to be seen, and lets it go", () => {
  const { ui } = after(["p"]);
  assertEquals(ui.frozen, MODEL);
  assertEquals(press(ui, "p", MODEL, 0).ui.frozen, null);
});

Deno.test("q, Ctrl-C, Ctrl-Z and Ctrl-L are for the program", () => {
  assertEquals(after(["q"]).wish, { kind: "quit" });
  assertEquals(after(["h", "interrupt"]).wish, { kind: "quit" });
  assertEquals(after(["suspend"]).wish, { kind: "suspend" });
  assertEquals(after(["redraw"]).wish, { kind: "redraw" });
});

Deno.test("h shows the help, and h, q and Esc leave it", () => {
  assertEquals(after(["?"]).ui.screen, "help");
  for (const key of ["h", "q", "escape"]) assertEquals(after(["h", key]).ui.screen, "workers");
});

Deno.test("what there is to say goes with the next key", () => {
  const { ui } = after(["R", "n", "j"]);
  assertEquals(ui.note, null);
});
