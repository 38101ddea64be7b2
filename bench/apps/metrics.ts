/** Measures what each function of metrics costs, alone or while the mule changes the same metric. */
import process from "node:process";
import uwsgi from "uwsgi";

/** Times that each function is measured; the middle one counts. */
const REPEATS = 9;

const NAME = "app.subject";

/** Each function as a script would call it; `i` counts the calls. */
const CALLS: Readonly<Record<string, (i: number) => unknown>> = {
  metric_get: () => uwsgi.metric_get(NAME),
  metric_set: (i) => uwsgi.metric_set(NAME, i),
  metric_inc: () => uwsgi.metric_inc(NAME),
  "metric_inc, a number": (i) => uwsgi.metric_inc(NAME, i),
  metric_dec: () => uwsgi.metric_dec(NAME),
  metric_mul: () => uwsgi.metric_mul(NAME, 3),
  metric_div: () => uwsgi.metric_div(NAME, 3),
  metric_set_max: (i) => uwsgi.metric_set_max(NAME, i),
  metric_set_min: (i) => uwsgi.metric_set_min(NAME, -i),
  metric_observe: (i) => uwsgi.metric_observe("app.sizes", i & 1023),
};

/** Nanoseconds of processor time for one call: what else the machine does is not counted. */
function measure(call: (i: number) => unknown, rounds: number): number {
  const found: number[] = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const begin = process.cpuUsage();
    for (let i = 0; i < rounds; i++) call(i);
    const { user, system } = process.cpuUsage(begin);
    found.push((user + system) * 1000 / rounds);
  }
  return found.sort((a, b) => a - b)[REPEATS >> 1] ?? NaN;
}

/** The mule has begun, or ended. */
async function untilBusy(busy: 0 | 1): Promise<void> {
  uwsgi.metric_set("app.wanted", busy);
  while (uwsgi.metric_get("app.busy") !== busy) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

uwsgi.serve(async (request) => {
  const { searchParams } = new URL(request.url);
  const rounds = Number(searchParams.get("rounds"));
  const disturbed = searchParams.has("disturbed");
  if (disturbed) await untilBusy(1);
  const found = Object.entries(CALLS).map(([name, call]) => [name, measure(call, rounds)]);
  if (disturbed) await untilBusy(0);
  return Response.json(Object.fromEntries(found));
});
