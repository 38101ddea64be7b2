/**
 * Runs in the worker, as a preload of its own and only with `accepting-probe`: before the master is told
 * that this worker accepts, its own server is asked for a page. The question goes to the server directly,
 * over no socket, so it takes no permission and no client's place, and nobody counts or logs it.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import { useProbe } from "../acceptance.ts";
import { instanceAccess } from "../instance.ts";
import { stopAllQueues } from "../draining/accept_control.ts";
import { failStart } from "../retire.ts";
import { after } from "../../system/timing.ts";
import { instanceSockets } from "../serving/sockets.ts";
import { askHandler } from "./ask_handler.ts";
import { askNode } from "./ask_node.ts";
import { addressOf, probeFailure } from "./question.ts";

const currentInstance = instanceAccess();

/** How often it is looked whether the script serves by now (20 ms). */
const LOOK_MS = 20;

const { environment, facts: { probe } } = currentInstance();
if (probe !== null && environment.slot > 0) {
  const { path, timeoutMs } = probe;
  currentInstance().ask = { handler: askHandler, node: askNode };
  useProbe((passed) => {
    // Clients are left to the worker before, or wait, until it is known what this one would answer.
    let resume: (() => void) | null = null;
    let over = false;
    const end = (problem: string | null) => {
      if (over) return;
      over = true;
      if (problem !== null) return failStart(`accepting-probe ${path} ${problem}`);
      resume?.();
      passed();
    };
    const look = () => {
      if (over) return;
      const sockets = instanceSockets();
      const [first] = sockets;
      const asked = sockets.find(({ served }) => served?.answer !== undefined);
      if (first === undefined || asked?.served?.answer === undefined) {
        if (!sockets.some(({ taken }) => taken)) return void after(LOOK_MS, look);
        return end("has nobody to ask: the script serves no HTTP on the sockets of the instance");
      }
      resume = stopAllQueues();
      const url = `${addressOf(first)}${path}`;
      asked.served.answer(url).then(
        (status) => end(probeFailure(status)),
        (error) => end(`failed: ${errorText(error)}`),
      );
    };
    after(timeoutMs, () => end(`was not answered within ${timeoutMs / 1000} s`));
    look();
  });
}
