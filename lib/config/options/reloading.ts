/**
 * The options of reloads with a verdict.
 *
 * @module
 */

import * as kind from "../option_kind.ts";
import type { OptionRows } from "../option_spec.ts";

/** What a reload does about failures. */
export interface ReloadConfig {
  /** Go back to the old workers when a reload fails (`chain-reload-rollback`). @default true */
  readonly chainReloadRollback: boolean;
  /** Time a new worker has to live for a reload to succeed (`chain-reload-verify`), ms. @default 1000 */
  readonly chainReloadVerifyMs: number;
}

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
};
