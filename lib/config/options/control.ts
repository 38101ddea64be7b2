/**
 * The options with which a running master is controlled.
 *
 * @module
 */

import * as kind from "../kinds/option_kind.ts";
import type { FileCommand } from "../kinds/option_kind.ts";
import type { OptionRows } from "../kinds/option_spec.ts";

/** How a running master is controlled. */
export interface ControlConfig {
  /** Paths of FIFOs that take commands of one letter (`master-fifo`), at most ten. */
  readonly masterFifo: readonly string[];
  /** Path of the Unix socket for `ctl` (`control-socket`). Empty: only the master's own. */
  readonly controlSocket: string;
  /** Files whose change replaces all workers at the same time (`touch-workers-reload`). */
  readonly touchWorkersReload: readonly string[];
  /** Files whose change runs a command (`touch-exec`). */
  readonly touchExec: readonly FileCommand[];
  /** Files and directories in which any change starts a reload (`fs-reload`). */
  readonly fsReload: readonly string[];
  /** The same, and old workers are killed (`fs-brutal-reload`). */
  readonly fsBrutalReload: readonly string[];
  /** Reload when the script or a module it imports is saved (`auto-reload`). @default false */
  readonly autoReload: boolean;
}

/** Their rows. */
export const CONTROL_OPTIONS: OptionRows<ControlConfig> = {
  masterFifo: {
    name: "master-fifo",
    aliases: [],
    short: "",
    group: "Control",
    argument: "FILE",
    kind: kind.fifoPaths,
    default: [],
    onChange: "exec",
    help: "FIFO that takes commands of one letter",
    details:
      "`echo c > FILE` starts a chain reload; docs/control.md has all letters. Of several, up to " +
      "ten, one is there at a time: at first the first one, and the digits 0 to 9 select another. It " +
      "has mode 600, is not made anew after each writer, unlike in uWSGI, and is removed when the " +
      "master ends. A FIFO that is left over is replaced, anything else is not. Letters get no " +
      "answer: `ctl` does.",
    example: "master-fifo = /run/app.fifo",
  },
  controlSocket: {
    name: "control-socket",
    aliases: [],
    short: "",
    group: "Control",
    argument: "FILE",
    kind: kind.path,
    default: "",
    defaultText: "none; `ctl` finds a master by its process id",
    onChange: "exec",
    help: "Unix socket for duwsgi ctl",
    details:
      "It has mode 600 and is removed when the master ends. Every master has another one in its own " +
      "directory, which `ctl --pidfile FILE` and `ctl --pid N` find; this one has a name that you " +
      "know. See docs/control.md.",
    example: "control-socket = /run/app.ctl",
  },
  touchWorkersReload: {
    name: "touch-workers-reload",
    aliases: [],
    short: "",
    group: "Reloading and stopping",
    argument: "FILE",
    kind: kind.paths,
    default: [],
    onChange: "master",
    help: "File whose change replaces all workers at the same time",
    details:
      "The configuration is not read again. Each old worker leaves only when its successor accepts. The " +
      "file need not exist yet.",
    example: "touch-workers-reload = workers.txt",
  },
  touchExec: {
    name: "touch-exec",
    aliases: [],
    short: "",
    group: "Control",
    argument: "FILE COMMAND...",
    kind: kind.fileCommands,
    default: [],
    onChange: "master",
    help: "File whose change runs a command",
    details:
      "The first space ends the name of the file; the rest goes to `sh -c`. The command runs beside the " +
      "master in a session of its own, with its stdout and stderr, and without its sockets. A command " +
      "that fails is a line in the log. The file need not exist yet.",
    example: "touch-exec = deploy.txt ./deploy.sh --now",
  },
  fsReload: {
    name: "fs-reload",
    aliases: [],
    short: "",
    group: "Reloading and stopping",
    argument: "PATH",
    kind: kind.paths,
    default: [],
    onChange: "master",
    help:
      "File or directory in which any change reads the configuration again and replaces all workers",
    details:
      "The kernel reports changes at once, those of mode and owner too; of a directory, changes of what " +
      "is directly in it. Changes within 100 ms are one reload. The path need not exist yet. Each link on " +
      "its way is watched: one that is moved is a change, and what it leads to then is watched from then " +
      "on.",
    example: "fs-reload = /srv/app/current",
  },
  fsBrutalReload: {
    name: "fs-brutal-reload",
    aliases: [],
    short: "",
    group: "Reloading and stopping",
    argument: "PATH",
    kind: kind.paths,
    default: [],
    onChange: "master",
    help: "The same as fs-reload, and old workers are killed as soon as their successors accept",
    details: "",
    example: "fs-brutal-reload = /srv/app/current",
  },
  autoReload: {
    name: "auto-reload",
    aliases: [],
    short: "",
    group: "Reloading and stopping",
    argument: "[BOOLEAN]",
    kind: kind.flag,
    default: false,
    onChange: "master",
    help: "Replace the workers when the script or a module it imports is saved",
    details:
      "For development; the counterpart of uWSGI's `py-autoreload`. The modules are those that `deno " +
      "info` finds, found anew at each save, and the deno.json. Saves within 100 ms are one chain " +
      "reload. A save that does not start leaves the old workers where they are, until the next one.",
    example: "auto-reload = true",
  },
};
