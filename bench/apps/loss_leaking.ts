/** The worker script under load, with a leak: it keeps 16 KB of each request, up to 128 MB. */
import uwsgi from "uwsgi";
import { lossHandler } from "../../tests/fixtures/apps/loss_handler.ts";

const LEAK_BYTES = 16_384;
/** Whoever is not replaced in time shall not take the machine's memory. */
const MOST_LEAKS = 8_192;

const leaked: Uint8Array[] = [];
const handler = lossHandler({ pid: Deno.pid, worker: uwsgi.worker_id() });

uwsgi.serve((request) => {
  // Filled, because pages that nobody has touched take no memory.
  if (leaked.length < MOST_LEAKS) leaked.push(new Uint8Array(LEAK_BYTES).fill(1));
  return handler(request);
});
