/**
 * What the master answers over HTTP (`metrics-http`): a path, and what is there.
 *
 * @module
 */

import { lazyImport } from "../../lazy_import.ts";
import { formatFor, MEDIA_TYPES, renderFamilies } from "../../stats/exposition.ts";
import { whyNotHealthy, whyNotReady } from "../../stats/health.ts";
import { metricFamilies } from "../../stats/metric_families.ts";
import type { Stats } from "../../stats/stats.ts";
import { userFamilies } from "../../stats/user_families.ts";
import { type HttpAnswer, type HttpRequest, lineAnswer } from "../../stats/http_message.ts";

/** One thing that can be asked for. */
export interface Route {
  readonly path: string;
  /** The answer, from how the instance is now. */
  readonly answer: (stats: Stats, request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>;
}

/** All of them. */
export const ROUTES: readonly Route[] = [
  {
    path: "/",
    answer: async () => {
      const { html, headers } = await (await lazyImport<typeof import("../../page/page.ts")>(
        import.meta.resolve("../../page/page.ts"),
      )).loadPage();
      return { status: 200, type: "text/html; charset=utf-8", body: html, headers };
    },
  },
  {
    path: "/metrics",
    answer: (stats, { accept }) => {
      const format = formatFor(accept);
      const body = renderFamilies([...metricFamilies(stats), ...userFamilies(stats)], format);
      return { status: 200, type: MEDIA_TYPES[format], body };
    },
  },
  { path: "/healthz", answer: (stats) => verdict(whyNotHealthy(stats)) },
  { path: "/readyz", answer: (stats) => verdict(whyNotReady(stats)) },
  {
    path: "/stats",
    answer: (stats) => ({ status: 200, type: "application/json", body: JSON.stringify(stats) }),
  },
];

function verdict(problem: string | null): HttpAnswer {
  return problem === null ? lineAnswer(200, "ok") : lineAnswer(503, problem);
}

/** The answer to a request, by {@linkcode ROUTES}. */
export async function answerTo(
  request: HttpRequest,
  stats: () => Promise<Stats>,
): Promise<HttpAnswer> {
  const route = ROUTES.find(({ path }) => path === request.path);
  if (route !== undefined) return await route.answer(await stats(), request);
  const paths = ROUTES.map(({ path }) => path).join(", ");
  return lineAnswer(404, `There is nothing at this path: there are ${paths}`);
}
