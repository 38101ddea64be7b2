/** The worker script under load, which fails in slot 3 while there is a file `broken`. */
import uwsgi from "uwsgi";
import { lossHandler } from "../../tests/fixtures/apps/loss_handler.ts";

const broken = await Deno.stat("broken").then(() => true, () => false);
if (broken && uwsgi.worker_id() === 3) throw new Error("This version is broken");

uwsgi.serve(lossHandler({ pid: Deno.pid, worker: uwsgi.worker_id() }));
