/**
 * The reference of hooks: their phases and actions, from the tables that decide about them.
 *
 * @module
 */

import { HOOK_ACTIONS } from "../lib/config/values/hook_line.ts";
import { HOOK_PHASES } from "../lib/config/options/hooks.ts";
import { table } from "./markdown.ts";

/** The document as Markdown. */
export function renderHooks(): string {
  return [
    "# Hooks",
    "`hook-PHASE = ACTION:ARGUMENT` does something at a certain point of an instance's life. Each may " +
    "be used as often as need be; what is there is done in that order, one after the other.",
    "```ini\nhook-asap = mkdir:/tmp/app\nexec-pre-app = ./migrate\n" +
    'hook-accepting = exec:logger "worker $HOOK_WORKER_ID accepts"\n```',
    "## Phases",
    table(["Phase", "When it runs", "If it fails", "`exec-`"], phaseRows()),
    "The master does all of it, also what in uWSGI a worker does. In the phases of a worker, commands " +
    "find `HOOK_WORKER_ID` and `HOOK_WORKER_PID` in their environment. A hook that waits makes those " +
    "behind it wait, but no worker. Each start phase runs once, unlike in uWSGI, where some run up to " +
    "four times; a reload runs none of them.",
    "`exec-PHASE = COMMAND` is short for `hook-PHASE = exec:COMMAND`; the two keep the order in which " +
    "they are written.",
    "## Actions",
    table(["Action", "What it does"], actionRows()),
    "A mistake in a line is found while the configuration is read. A `!` before the action keeps its " +
    "arguments out of the log, as in `hook-asap = !putenv:TOKEN=…`. `wait_for_…` look once a second, " +
    "and fail after 60 s. Commands run like [daemons](companions.md): without any descriptor of the " +
    "master's, and they end with it.",
    "Actions on files follow a symbolic link only where none but root and the master's own user can have " +
    "put it, and as root they refuse a file with several hard links; those of uWSGI follow every link, " +
    "so that the owner of a directory decides which file root gives away. `unlink` removes a link itself. " +
    "See [The process](process.md#what-root-does-in-directories-of-others).",
    "Actions that call C functions, and `unix_signal`, `mount`, `umount`, `hostname`, `alarm`, `rpc` and " +
    "`spinningfifo`, do not exist here.",
  ].join("\n\n");
}

const FAILURES = {
  start: "the start ends, with exit code 8",
  serving: "an error in the log",
  end: "an error in the log",
} as const;

function phaseRows(): string[][] {
  return Object.entries(HOOK_PHASES).map(([phase, { kind, exec, when }]) => [
    `\`${phase}\``,
    when,
    FAILURES[kind],
    exec ? "yes" : "",
  ]);
}

function actionRows(): string[][] {
  return Object.entries(HOOK_ACTIONS).map(([action, { parts, help }]) => [
    `\`${action}:${parts.join(" ")}\``,
    help,
  ]);
}
