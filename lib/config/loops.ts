/**
 * The loops `for…`: one row each, with the items that `%(_)` stands for.
 *
 * @module
 */

import type { NamedRow } from "./kinds/option_row.ts";

/** What a loop may read. */
export interface LoopInput {
  /** The text of a file. @throws {SyntaxError} When it cannot be read. */
  readonly read: (path: string) => string;
  /** Existing paths that match a shell pattern, sorted. */
  readonly glob: (pattern: string) => readonly string[];
}

/** One kind of loop. */
export interface Loop extends NamedRow {
  /**
   * What to repeat the lines for.
   *
   * @throws {SyntaxError} When the argument cannot be understood or read.
   */
  readonly items: (argument: string, input: LoopInput) => Iterable<string>;
}

/** All loops of uWSGI. */
export const LOOPS: readonly Loop[] = [
  loop("for", "WORDS", {
    help: "Repeats the lines up to endfor for each word, which is %(_) in them",
    details: "Unlike in uWSGI, which repeats each line by itself, the lines are repeated as a " +
      "block, and blocks can be nested.",
    example: "for = 8001 8002\nsocket = 127.0.0.1:%(_)\nendfor =",
    items: (argument) => argument.split(/\s+/).filter((word) => word !== ""),
  }),
  loop("for-times", "N", {
    help: "Repeats the lines for each number from 1 to N",
    details: "",
    example: "for-times = 3\nworker-argv = --shard=%(_)\nendfor =",
    items: (argument) => {
      if (/^[0-9]{1,9}$/.test(argument)) return numbers(Number(argument));
      throw new SyntaxError(`expects a whole number, not "${argument.slice(0, 80)}"`);
    },
  }),
  loop("for-glob", "PATTERN", {
    help: "Repeats the lines for each existing path that matches the shell pattern",
    details: "The paths are sorted. None is no mistake: the lines are then left out.",
    example: "for-glob = conf.d/*.ini\ninclude = %(_)\nendfor =",
    items: (argument, { glob }) => glob(argument),
  }),
  loop("for-readline", "FILE", {
    help: "Repeats the lines for each line of a file",
    details: "Space around a line is dropped, blank lines are skipped.",
    example: "for-readline = ports.txt\nsocket = :%(_)\nendfor =",
    items: (argument, { read }) =>
      read(argument).split("\n").map((line) => line.trim()).filter((line) => line !== ""),
  }),
];

function loop(
  name: string,
  argument: string,
  rest: Pick<Loop, "help" | "details" | "example" | "items">,
): Loop {
  return { name, aliases: [], short: "", group: "Conditions and loops", argument, ...rest };
}

function* numbers(last: number): Generator<string> {
  for (let number = 1; number <= last; number++) yield String(number);
}
