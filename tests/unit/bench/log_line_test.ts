/** What a bench reads from a master's log. */
import { assertEquals } from "@std/assert";
import { parseEvent } from "../../../bench/log_line.ts";
import { lineHead } from "../../../lib/log/line_head.ts";

const AT = Date.UTC(2026, 10, 26, 2, 47, 1, 328);

/** Lines as a master writes them. */
const LINES: readonly (readonly [message: string, event: string, fields: object])[] = [
  ["Socket http://127.0.0.1:4145, a queue for each worker", "socket", {
    address: "127.0.0.1:4145",
  }],
  ["Socket /run/app.sock", "socket", { address: "/run/app.sock" }],
  ["All 4 workers accept after 146 ms", "ready", { afterMs: "146" }],
  ["The worker accepts after 44 ms", "ready", { afterMs: "44" }],
  ["worker 1 (pid 7, generation 2) accepting after 44 ms", "accepting", { pid: "7" }],
  ["worker 1 (pid 7, generation 2) is gone: exited with code 0 (reload)", "gone", {}],
  ["Scaling from 4 to 2 workers: ctl", "scaling", {}],
  ["Chain reload: /x/touch was touched", "reloadRequested", {}],
  ["Reload asked for (SIGHUP): it follows the one that runs", "reloadRequested", {}],
  ["Chain reload done in 412 ms: every slot runs generation 2", "reloadFinished", {
    outcome: "done",
  }],
  ["Reload failed: the configuration has errors, everything stays as it is", "reloadFinished", {
    outcome: "failed",
  }],
  ["Chain reload failed after 38 ms: worker 3 left. Slot 1 runs no worker", "reloadFinished", {
    outcome: "failed",
  }],
  ["Going back to generation 1", "rollingBack", {}],
  ["Stopping: SIGTERM", "", {}],
];

Deno.test("parseEvent() reads what a master's lines say, with their time", () => {
  for (const [message, event, fields] of LINES) {
    assertEquals(parseEvent(lineHead(AT, "info", "") + message), {
      event,
      at: AT,
      message,
      fields,
    });
  }
});

Deno.test("parseEvent() leaves alone what a worker prints", () => {
  for (const line of ["Hello", "", '{"event":"accepting"}', "All 4 workers accept after 1 ms"]) {
    assertEquals(parseEvent(line), null);
  }
});
