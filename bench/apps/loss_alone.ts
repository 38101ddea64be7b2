/** The worker script under load, in a process of its own, which prints its address. */
import { lossHandler } from "../../tests/fixtures/apps/loss_handler.ts";

Deno.serve({ hostname: "127.0.0.1", port: 0 }, lossHandler({ pid: Deno.pid, worker: 1 }));
