/** What workers may ask for. */
import { assertEquals } from "@std/assert";
import { defaults } from "../../../../lib/config/resolve.ts";
import { workerRequestEvent } from "../../../../lib/master/workers/worker_control.ts";

Deno.test("a worker may reload and stop the instance, unless worker-control is false", () => {
  const config = defaults();
  const why = "worker 1 asked for it";
  assertEquals(workerRequestEvent("reload", "worker 1", config), {
    type: "reload",
    kind: "all",
    why,
  });
  assertEquals(workerRequestEvent("stop", "worker 1", config), { type: "stop", why, once: true });
  assertEquals(workerRequestEvent("stop", "worker 1", { ...config, workerControl: false }), null);
});
