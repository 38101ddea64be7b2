/**
 * The options of hooks: what is done at certain points of an instance's life.
 *
 * @module
 */

import { lazyImport } from "../../lazy_import.ts";
import type { HookLine } from "../values/hook_line.ts";
import { lazyParser, lines, withCheck } from "../kinds/line_reader.ts";
import type { OptionRows, OptionSpec } from "../kinds/option_spec.ts";

const readHookLine = lazyParser(async () =>
  (await lazyImport<typeof import("../values/hook_line.ts")>(
    import.meta.resolve("../values/hook_line.ts"),
  ))
    .parseHookLine
);

/** Name of a phase. */
export type HookPhase =
  | "asap"
  | "pre-jail"
  | "in-jail"
  | "post-jail"
  | "as-root"
  | "as-user"
  | "pre-app"
  | "master-start"
  | "post-fork"
  | "accepting"
  | "accepting1"
  | "accepting-once"
  | "accepting1-once"
  | "post-app"
  | "as-user-atexit";

/** What there is to know of a phase. */
export interface HookPhaseForm {
  /** When it is, and what a failure does. */
  readonly kind: "start" | "serving" | "end";
  /** Whether there is an `exec-` option for it, as in uWSGI. */
  readonly exec: boolean;
  /** Ends the sentence "It runs …". */
  readonly when: string;
}

/**
 * The phases, in order.
 *
 * - `start`: before there are workers; a failure ends the start.
 * - `serving`: workers serve meanwhile; a failure is an error in the log and changes nothing.
 * - `end`: everything is gone; a failure is an error in the log.
 */
export const HOOK_PHASES: Readonly<Record<HookPhase, HookPhaseForm>> = {
  "asap": {
    kind: "start",
    exec: true,
    when: "as soon as the configuration is known, before `umask` and `chdir`",
  },
  "pre-jail": {
    kind: "start",
    exec: true,
    when: "in the directory of `chdir`, before the sockets",
  },
  "in-jail": { kind: "start", exec: true, when: "after pre-jail: there is no jail" },
  "post-jail": { kind: "start", exec: true, when: "after in-jail" },
  "as-root": {
    kind: "start",
    exec: true,
    when: "before the sockets are opened, with the rights duwsgi is started with",
  },
  "as-user": {
    kind: "start",
    exec: true,
    when: "when the sockets are open, with the rights that are left",
  },
  "pre-app": { kind: "start", exec: true, when: "after as-user, before scripts are loaded" },
  "master-start": {
    kind: "start",
    exec: false,
    when: "just before the first workers, daemons and mules are started",
  },
  "post-fork": {
    kind: "serving",
    exec: false,
    when: "when a worker process was started, for each one",
  },
  "accepting": { kind: "serving", exec: false, when: "when a worker accepts, for each one" },
  "accepting1": { kind: "serving", exec: false, when: "when a worker of slot 1 accepts" },
  "accepting-once": {
    kind: "serving",
    exec: false,
    when: "when the first worker of a slot accepts",
  },
  "accepting1-once": {
    kind: "serving",
    exec: false,
    when: "when the first worker of slot 1 accepts",
  },
  "post-app": { kind: "serving", exec: true, when: "when every slot accepts for the first time" },
  "as-user-atexit": {
    kind: "end",
    exec: true,
    when: "when workers, mules and daemons are gone, just before the master ends",
  },
};

/** What is done when; one list of actions for each phase, such as `config["hook asap"]`. */
export type HookConfig = { readonly [P in HookPhase as `hook ${P}`]: readonly HookLine[] };

/** The actions of a phase, in the order they were written; without those that do nothing. */
export function hooksOf(config: HookConfig, phase: HookPhase): readonly HookLine[] {
  return config[`hook ${phase}`].filter((hook) => !isNotNeeded(hook));
}

/** The hooks that are accepted for uWSGI's sake. */
export function hooksNotNeeded(config: HookConfig): readonly HookLine[] {
  const phases = Object.keys(HOOK_PHASES) as HookPhase[];
  return phases.flatMap((phase) => config[`hook ${phase}`].filter(isNotNeeded));
}

function isNotNeeded({ action }: HookLine): boolean {
  return action === "unix_signal";
}

/** True if something is to be done while workers serve. */
export function hasServingHooks(config: HookConfig): boolean {
  const phases = Object.keys(HOOK_PHASES) as HookPhase[];
  return phases.some((phase) =>
    HOOK_PHASES[phase].kind === "serving" && hooksOf(config, phase).length > 0
  );
}

const FAILURE = {
  start: "A failure ends the start, with exit code 8.",
  serving: "A failure is an error in the log and changes nothing else, because workers serve.",
  end: "A failure is an error in the log.",
} as const;

function row(phase: HookPhase): OptionSpec<readonly HookLine[]> {
  const { kind: sort, exec, when } = HOOK_PHASES[phase];
  const other = exec ? ` \`exec-${phase} = COMMAND\` is short for \`exec:COMMAND\`.` : "";
  return {
    name: `hook-${phase}`,
    aliases: exec ? [`exec-${phase}`] : [],
    short: "",
    group: "Beside the workers",
    argument: "ACTION:ARGUMENT",
    kind: lines(withCheck(readHookLine, ({ action }) => {
      if (action !== "exit" || sort === "start") return;
      throw new SyntaxError('has the action "exit", which only works before there are workers');
    })),
    default: [],
    onChange: sort === "serving" ? "master" : "restart",
    help: `Something to do ${when.replaceAll("`", "")}`,
    details:
      `${FAILURE[sort]}${other} A \`!\` before the action keeps its arguments out of the log. ` +
      "The actions are in [hooks](hooks.md).",
    example: exec
      ? `hook-${phase} = mkdir:/tmp/app\nexec-${phase} = ./prepare`
      : `hook-${phase} = append:phases.txt ${phase}`,
  };
}

/** Their rows. */
export const HOOK_OPTIONS: OptionRows<HookConfig> = Object.fromEntries(
  (Object.keys(HOOK_PHASES) as HookPhase[]).map((phase) => [`hook ${phase}`, row(phase)]),
) as unknown as OptionRows<HookConfig>;
