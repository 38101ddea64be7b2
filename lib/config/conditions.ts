/**
 * The conditions `if-…` and `if-not-…`: one row each, with the test that implements it.
 *
 * @module
 */

import type { NamedRow } from "./kinds/option_row.ts";
import type { ConfigSource } from "./source.ts";

/** What a condition may look at. */
export interface ConditionContext {
  /** The world outside. */
  readonly source: ConfigSource;
  /** First value of an option or placeholder set so far; "" if it was set without one. */
  readonly value: (name: string) => string | undefined;
}

/** One condition. Its `if-not-` alias is true when the test fails. */
export interface IniCondition extends NamedRow {
  /**
   * The text `%(_)` stands for in the guarded lines, or null: the condition is not met.
   *
   * @throws {SyntaxError} When the argument cannot be understood.
   */
  readonly test: (argument: string, facts: ConditionContext) => string | null;
}

/** All conditions of uWSGI, in the order of its manual. */
export const CONDITIONS: readonly IniCondition[] = [
  condition("env", ["ifenv"], "NAME[=VALUE]", {
    help: "True when the environment variable exists, or has exactly that value",
    details:
      "`%(_)` is the value of the variable. Variables set with `env` do not count: they are " +
      "meant for workers.",
    example: "if-env = PORT\nhttp-socket = :%(_)\nendif =",
    test: (argument, { source }) => {
      const environment = source.environment();
      return sameOrAny(
        argument,
        (name) => Object.hasOwn(environment, name) ? environment[name] : undefined,
      );
    },
  }),
  condition("opt", [], "NAME[=VALUE]", {
    help: "True when the option or placeholder was set above, or its first value is that one",
    details: "`%(_)` is the value. Another name of an option finds it, too.",
    example: "if-not-opt = processes\nprocesses = %k\nendif =",
    test: (argument, { value }) => sameOrAny(argument, value),
  }),
  condition("exists", ["ifexists"], "PATH", {
    help: "True when there is something at that path",
    details: "`%(_)` is the path.",
    example: "if-exists = /etc/app/extra.ini\nini = %(_)\nendif =",
    test: (argument, { source }) => source.kind(argument) === null ? null : argument,
  }),
  condition("file", [], "PATH", {
    help: "True when that path is a regular file",
    details: "`%(_)` is the path.",
    example: "if-file = .env.ini\ninclude = %(_)\nendif =",
    test: (argument, { source }) => source.kind(argument) === "file" ? argument : null,
  }),
  condition("dir", ["ifdir", "if-directory"], "PATH", {
    help: "True when that path is a directory",
    details: "`%(_)` is the path.",
    example: "if-dir = /run/app\nsocket = %(_)/app.sock\nendif =",
    test: (argument, { source }) => source.kind(argument) === "directory" ? argument : null,
  }),
  condition("reload", [], "", {
    help: "True when a running master reads its configuration again",
    details: "",
    example: "if-reload =\nenv = STARTED_BY=reload\nendif =",
    test: (_argument, { source }) => source.reloading ? "" : null,
  }),
  condition("hostname", [], "NAME", {
    help: "True when the host has that name",
    details: "`%(_)` is the name.",
    example: "if-hostname = web1\nprocesses = 8\nendif =",
    test: (argument, { source }) => source.hostname === argument ? argument : null,
  }),
  condition("hostname-match", [], "REGEXP", {
    help: "True when the name of the host matches the regular expression",
    details:
      "`%(_)` is the name of the host. The expression is a JavaScript one that matches anywhere, " +
      "restricted so that it can never run for long: at most 100 characters, three quantifiers and " +
      "eight alternatives, no quantifier after a group, no look-around, no back reference.",
    example: "if-hostname-match = ^web[0-9]+$\nprocesses = 8\nendif =",
    test: (argument, { source }) => matches(argument, source.hostname) ? source.hostname : null,
  }),
  condition("plugin", ["ifplugin"], "NAME", {
    help: "Never true: duwsgi has no plugins",
    details: "Accepted so that a configuration can be shared with uWSGI.",
    example: "if-not-plugin = python\ndeno-worker-override = app.ts\nendif =",
    test: () => null,
  }),
];

function condition(
  name: string,
  aliases: readonly string[],
  argument: string,
  rest: Pick<IniCondition, "help" | "details" | "example" | "test">,
): IniCondition {
  return {
    name: `if-${name}`,
    aliases: [`if-not-${name}`, ...aliases],
    short: "",
    group: "Conditions and loops",
    argument,
    ...rest,
  };
}

/** `NAME` asks whether there is a value, `NAME=VALUE` for that value. */
function sameOrAny(
  argument: string,
  find: (name: string) => string | undefined,
): string | null {
  const equals = argument.indexOf("=");
  const found = find(equals < 0 ? argument : argument.slice(0, equals));
  if (found === undefined) return null;
  return equals < 0 || found === argument.slice(equals + 1) ? found : null;
}

/**
 * A backtracking matcher can need more steps than there are atoms in the universe. The limits keep
 * the worst case at about 64³ positions (the longest host name of Linux) times a few hundred paths.
 */
function matches(text: string, hostname: string): boolean {
  const plain = text.replace(/\\[^0-9k]/g, "x").replace(/\[[^[\]]*\]/g, "x");
  const count = (pattern: RegExp) => plain.match(pattern)?.length ?? 0;
  if (
    text.length > 100 || hostname.length > 64 || count(/[*+{]|(?<!\()\?/g) > 3 ||
    count(/\|/g) > 8 || /\)[*+?{]|\\|\(\?(?!:)/.test(plain)
  ) {
    throw new SyntaxError(
      `takes a simple regular expression only (see --help if-hostname-match), not "${
        text.slice(0, 80)
      }"`,
    );
  }
  try {
    return new RegExp(text).test(hostname);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new SyntaxError(`cannot use its regular expression: ${error.message}`, { cause: error });
  }
}
