/**
 * The top of the page: what instance it is, how it is, and its figures.
 *
 * @module
 */

/// <reference lib="dom" />

import type { InstanceRates } from "../../stats/rates.ts";
import type { Stats } from "../../stats/stats.ts";
import { byId, make, setText } from "./element.ts";
import { baseName, counted } from "./format.ts";
import { conditionOf, tilesOf } from "./summary_figures.ts";

/** Shows a document at the top of the page. */
export function showSummary(stats: Stats, rates: InstanceRates | null): void {
  const script = byId("script");
  setText(script, baseName(stats.script));
  script.title = stats.script;
  setText(byId("version"), stats.version);
  setText(byId("folder"), stats.cwd);
  showCondition(conditionOf(stats));
  // Tabs of several instances of the same script differ by their folder.
  document.title = `${baseName(stats.script)} in ${baseName(stats.cwd)} · duwsgi`;
  const tiles = tilesOf(stats, rates);
  const list = byId("tiles");
  if (list.children.length !== tiles.length) {
    list.replaceChildren(
      ...tiles.map(() =>
        make("div", { class: "tile" }, make("dt"), make("dd", { class: "value" }), make("dd"))
      ),
    );
  }
  for (const [index, element] of [...list.children].entries()) {
    const tile = tiles[index];
    if (tile === undefined) continue;
    const [name, value, note] = element.children;
    if (name) setText(name, tile.name);
    if (value) setText(value, tile.value);
    if (note) setText(note, tile.note);
    element.classList.toggle("alarming", tile.alarming);
  }
  const lost = stats.log_lines_lost;
  setText(byId("losses"), lost > 0 ? `${counted(lost, "log line")} could not be written.` : "");
}

/** Shows in one word how the instance is. */
export function showCondition(condition: string): void {
  const pill = byId("condition");
  setText(pill, condition);
  pill.className = `pill ${condition}`;
}
