/**
 * The options of reloads with a verdict.
 *
 * @module
 */

import * as kind from "../kinds/option_kind.ts";
import type { OptionRows } from "../kinds/option_spec.ts";

/** What a reload does about failures. */
export interface ReloadConfig {
  /** Go back to the old workers when a reload fails (`chain-reload-rollback`). @default true */
  readonly chainReloadRollback: boolean;
  /** Time a new worker has to live for a reload to succeed (`chain-reload-verify`), ms. @default 1000 */
  readonly chainReloadVerifyMs: number;
  /** Path that a new worker has to answer before it accepts (`accepting-probe`); empty: none. */
  readonly acceptingProbe: string;
  /** Time for that (`accepting-probe-timeout`), in milliseconds. @default 10000 */
  readonly acceptingProbeTimeoutMs: number;
}

const probePath = kind.scalar(
  (text) => {
    if (/^\/[^\s#]*$/.test(text)) return text;
    throw new SyntaxError("expects a path that begins with a slash, such as /healthz");
  },
  (value) => value,
  "",
);

/** Their rows. */
export const RELOAD_OPTIONS: OptionRows<ReloadConfig> = {
  chainReloadRollback: {
    name: "chain-reload-rollback",
    aliases: [],
    short: "",
    group: "Reloading and stopping",
    argument: "[BOOLEAN]",
    kind: kind.flag,
    default: true,
    onChange: "master",
    help: "Go back to the old workers when a reload fails",
    details:
      "During a reload the old worker of a replaced slot stays on standby: it has stopped accepting, " +
      "finishes what it has, and lives until the reload is through. If a later slot fails, the " +
      "standbys accept again and the new workers leave. Without it, slots that were replaced already " +
      "keep their new workers.",
    example: "chain-reload-rollback = false",
  },
  chainReloadVerifyMs: {
    name: "chain-reload-verify",
    aliases: [],
    short: "",
    group: "Reloading and stopping",
    argument: "SECONDS",
    kind: kind.seconds(0, 86400),
    default: 1_000,
    onChange: "master",
    help: "Time a new worker has to live for a reload to succeed",
    details: "A worker that ends sooner after it began to accept makes the reload fail, with " +
      "`chain-reload-rollback`. It delays no slot: the next worker starts at once, only the end of the " +
      "reload waits for the last one.",
    example: "chain-reload-verify = 10",
  },
  acceptingProbe: {
    name: "accepting-probe",
    aliases: [],
    short: "",
    group: "Reloading and stopping",
    argument: "PATH",
    kind: probePath,
    default: "",
    onChange: "workers",
    help: "Page that each new worker has to answer before it counts as accepting",
    details:
      "A `GET` with the host of the first socket goes to the worker's own server inside its process, over " +
      "no socket: it takes no permission, and it is neither counted nor logged. Any 2xx or 3xx is good, and " +
      "redirects are not followed. Any other answer, an error or none within `accepting-probe-timeout` is " +
      "a failed start: a reload fails, and goes back with `chain-reload-rollback`; a start ends with code " +
      "4 when no worker passes. Until then the worker takes no connections from the queues (without " +
      "foreign functions it does). It holds for `Deno.serve`, `uwsgi.serve` and servers of `node:http` on " +
      "sockets of the instance; a script that serves no HTTP there cannot start with it. The page also " +
      "warms the worker up. See [Reloading](reloading.md#a-worker-that-proves-itself).",
    example: "accepting-probe = /healthz",
  },
  acceptingProbeTimeoutMs: {
    name: "accepting-probe-timeout",
    aliases: [],
    short: "",
    group: "Reloading and stopping",
    argument: "SECONDS",
    kind: kind.seconds(0.001, 86400),
    default: 10_000,
    onChange: "workers",
    help: "Time a new worker has to answer the page of `accepting-probe`",
    details:
      "It counts from `accepting()`, and within `start-timeout`, which ends sooner if it is shorter.",
    example: "accepting-probe = /\naccepting-probe-timeout = 30",
  },
};
