/**
 * The page: brings together who asks, what is remembered and what is shown.
 *
 * @module
 */

/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

import type { Stats } from "../../stats/stats.ts";
import { Chart, formatClock } from "./chart.ts";
import { CHART_PLANS } from "./chart_plans.ts";
import { StatsPoller } from "./contact.ts";
import { byId, setText } from "./element.ts";
import { formatDuration } from "./format.ts";
import { History } from "./history.ts";
import { followChoice } from "./preferences.ts";
import { showReloads } from "./reload_view.ts";
import { rowsOf } from "./rows.ts";
import { showCondition, showSummary } from "./summary_view.ts";
import { OUTCOMES, Timeline } from "./timeline.ts";
import { WorkerView } from "./worker_view.ts";

/** Runs the page. */
function start(): void {
  const past = new History();
  const timeline = new Timeline();
  const workers = new WorkerView();
  let cursor: number | null = null;
  let span = 0;
  let version = "";

  const point = (at: number | null) => {
    cursor = at;
    showCharts();
  };
  const charts = CHART_PLANS.map((plan) => new Chart(plan, point));
  byId("charts").append(...charts.map(({ element }) => element));

  /** Charts end where time is, also while nothing is known of it. */
  function showCharts(): void {
    const stats = past.last;
    if (stats === null) return;
    const to = Date.now();
    const from = to - span;
    const { masterEvents } = timeline;
    const scene = { stats, readings: past.readings, masterEvents, from, to, cursor };
    for (const chart of charts) chart.show(scene);
    showReloads(stats, masterEvents, from, to);
  }

  followChoice("theme", (value) => {
    document.documentElement.dataset.theme = value;
  });
  followChoice("span", (value) => {
    span = Number(value) * 60_000;
    showCharts();
  });

  const contact = new StatsPoller({
    answered: (stats) => {
      showContact(null);
      if (version !== "" && version !== stats.version) setText(byId("outdated"), OUTDATED);
      version = stats.version;
      take(stats);
    },
    missed: (why, since, nextAt) => {
      showContact({ why, since, nextAt });
      showCharts();
    },
  });

  function take(stats: Stats): void {
    const at = Date.now();
    const fresh = timeline.add(past.last, stats, at);
    const { rates } = past.add(stats, at);
    showSummary(stats, rates);
    workers.show(rowsOf(stats, rates));
    showCharts();
    setText(byId("updated"), `Updated ${formatClock(at)}`);
    const [newest] = fresh;
    if (newest === undefined) return;
    setText(byId("spoken"), `${newest.title}: ${OUTCOMES[newest.outcome].label}. ${newest.text}`);
  }

  byId("retry").addEventListener("click", () => contact.now());
}

const OUTDATED = "The master has another version than this page now. Load the page anew.";

/** What is known of a master that does not answer. */
interface Absence {
  readonly why: string;
  readonly since: number;
  readonly nextAt: number;
}

let countdown: ReturnType<typeof setInterval> | undefined;

/** Says that the master does not answer; null: it does. */
function showContact(absence: Absence | null): void {
  clearInterval(countdown);
  const away = byId("away");
  document.body.classList.toggle("stale", absence !== null);
  if (absence === null) {
    if (!away.hidden) setText(byId("spoken"), "The master answers again.");
    away.hidden = true;
    return;
  }
  if (away.hidden) setText(byId("spoken"), "The master does not answer.");
  away.hidden = false;
  showCondition("no answer");
  const tell = () => {
    const left = Math.max(0, Math.ceil((absence.nextAt - Date.now()) / 1000));
    const gone = formatDuration(Math.round((Date.now() - absence.since) / 1000) * 1000);
    const next = left === 0 ? "asking now" : `next attempt in ${left} s`;
    setText(byId("away-text"), `for ${gone}: ${absence.why}; ${next}.`);
  };
  tell();
  countdown = setInterval(tell, 1000);
}

start();
