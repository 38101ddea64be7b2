/**
 * The page that shows an instance in a browser, as one file. Its sources are imported as text, so they
 * are wherever this module is; the page itself is made when somebody asks for it for the first time.
 *
 * @module
 */

import quantile from "../stats/quantile.ts" with { type: "text" };
import rates from "../stats/rates.ts" with { type: "text" };
import chart from "./browser/chart.ts" with { type: "text" };
import chartPlans from "./browser/chart_plans.ts" with { type: "text" };
import contact from "./browser/contact.ts" with { type: "text" };
import drawing from "./browser/drawing.ts" with { type: "text" };
import element from "./browser/element.ts" with { type: "text" };
import format from "./browser/format.ts" with { type: "text" };
import history from "./browser/history.ts" with { type: "text" };
import polling from "./browser/polling.ts" with { type: "text" };
import preferences from "./browser/preferences.ts" with { type: "text" };
import reloadView from "./browser/reload_view.ts" with { type: "text" };
import rows from "./browser/rows.ts" with { type: "text" };
import scale from "./browser/scale.ts" with { type: "text" };
import start from "./browser/start.ts" with { type: "text" };
import summaryFigures from "./browser/summary_figures.ts" with { type: "text" };
import summaryView from "./browser/summary_view.ts" with { type: "text" };
import timeline from "./browser/timeline.ts" with { type: "text" };
import workerView from "./browser/worker_view.ts" with { type: "text" };
import { makeOneFile, type PageParts } from "./one_file.ts";
import css from "./page.css" with { type: "text" };
import html from "./page.html" with { type: "text" };

/** What the page is made of; each module is behind those it imports from. */
export const PAGE_PARTS: PageParts = {
  html,
  css,
  modules: [
    quantile,
    rates,
    format,
    scale,
    history,
    timeline,
    polling,
    rows,
    summaryFigures,
    element,
    chartPlans,
    drawing,
    chart,
    summaryView,
    reloadView,
    workerView,
    preferences,
    contact,
    start,
  ],
};

/** The page, and what goes with it over HTTP. */
export interface Page {
  readonly html: string;
  /** Headers beside its type and length, and those that forbid to keep it or to guess its type. */
  readonly headers: Readonly<Record<string, string>>;
}

let page: Promise<Page> | null = null;

/** The page. In a browser it asks for `./stats` beside its own address, and for nothing else. */
export function loadPage(): Promise<Page> {
  return page ??= makePage();
}

async function makePage(): Promise<Page> {
  const { html: whole, policy } = await makeOneFile(PAGE_PARTS);
  return {
    html: whole,
    headers: {
      "Content-Security-Policy": policy,
      "X-Frame-Options": "DENY",
      "Referrer-Policy": "no-referrer",
      "Cross-Origin-Resource-Policy": "same-origin",
    },
  };
}
