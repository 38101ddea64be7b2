/**
 * The options about workers that keep dying.
 *
 * @module
 */

import * as kind from "../kinds/option_kind.ts";
import type { OptionRows } from "../kinds/option_spec.ts";

/** What is done about workers that keep dying. */
export interface RespawnConfig {
  /** Deaths in a row after which a slot is given up (`respawn-limit`); 0: never. @default 0 */
  readonly respawnLimit: number;
  /** End when no worker is left (`die-on-no-workers`). @default false */
  readonly dieOnNoWorkers: boolean;
}

/** Their rows. */
export const RESPAWN_OPTIONS: OptionRows<RespawnConfig> = {
  respawnLimit: {
    name: "respawn-limit",
    aliases: [],
    short: "",
    group: "Workers",
    argument: "N",
    kind: kind.integer(0, 1_000_000),
    default: 0,
    defaultText: "0: it is tried for ever",
    onChange: "master",
    help: "Deaths in a row after which a slot is given up until the next reload",
    details:
      "A worker that dies is replaced at once, and with growing pauses if it keeps dying: see " +
      "[behaviour.md](behaviour.md). A slot that is given up is served by its siblings.",
    example: "respawn-limit = 10",
  },
  dieOnNoWorkers: {
    name: "die-on-no-workers",
    aliases: [],
    short: "",
    group: "Workers",
    argument: "[BOOLEAN]",
    kind: kind.flag,
    default: false,
    onChange: "master",
    help: "End the instance when no worker is left",
    details:
      "No worker is left when every slot waits before its next start, or is given up. Without it the " +
      "master goes on trying, and connections wait in the queues. An instance none of whose workers " +
      "has ever accepted ends in any case.",
    example: "die-on-no-workers = true",
  },
};
