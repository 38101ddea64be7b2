/**
 * Measures what serving through duwsgi costs a request, compared with the same server without it.
 *
 * @module
 */

import { fromFileUrl } from "@std/path/posix";
import { type Findings, type Goal, type Length, runBench } from "./bench.ts";
import {
  ARRANGEMENTS,
  cells,
  compare,
  type Comparison,
  HEAD,
  type Server,
  startInstance,
} from "./comparison.ts";
import { markdownTable } from "./readme.ts";
import { deno, Started, untilAnswers } from "./servers.ts";
import { requireWrk } from "./wrk.ts";

/** At least this many requests per second, relative to the other side. */
const GOAL = 0.97;

const COMPARISONS: readonly Comparison[] = [
  {
    name: "`uwsgi.serve`, 2 workers / `deno serve --parallel`, 2 threads",
    start: {
      ours: (cpu) => startInstance({ app: "hello_uwsgi.ts", processes: 2, cpu }),
      theirs: (cpu) =>
        startAlone(["serve", "-A", "--parallel", "--host", "127.0.0.1", "--port", "0"], {
          script: "hello_serve.ts",
          cpu,
          env: { DENO_JOBS: "2" },
        }),
    },
  },
  {
    name: "`node:http` on the inherited socket, 1 worker / the same server alone",
    start: {
      ours: (cpu) => startInstance({ app: "node_http_uwsgi.ts", processes: 1, cpu }),
      theirs: (cpu) => startAlone(["run", "-A"], { script: "node_http_alone.ts", cpu }),
    },
  },
];

async function measure(length: Length): Promise<Findings> {
  await requireWrk();
  const rows: (string | number)[][] = [];
  const goals: Goal[] = [];
  for (const comparison of COMPARISONS) {
    for (const arrangement of ARRANGEMENTS) {
      const ratio = await compare(comparison, arrangement, length);
      rows.push(cells(comparison, arrangement, ratio));
      console.error(`${comparison.name}, ${arrangement.name}: ${ratio.median.toFixed(3)}`);
      if (!arrangement.judged) continue;
      const what = `${comparison.name}: ${
        ratio.median.toFixed(3)
      } of the requests, at least ${GOAL}`;
      goals.push({ what, reached: ratio.median >= GOAL, counted: false });
    }
  }
  return { text: markdownTable(HEAD, rows), goals };
}

async function startAlone(
  args: readonly string[],
  { script, cpu, env = {} }: {
    readonly script: string;
    readonly cpu: number | null;
    readonly env?: Readonly<Record<string, string>>;
  },
): Promise<Server> {
  const path = fromFileUrl(new URL(`./apps/${script}`, import.meta.url));
  const server = new Started({ command: deno(...args, path), cpu, env });
  const address = await untilAnswers(server);
  return { address, [Symbol.asyncDispose]: () => server.end() };
}

if (import.meta.main) await runBench("throughput", measure);
