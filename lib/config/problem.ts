/**
 * What can be wrong with a configuration, and the list in which one reading collects all of it.
 *
 * @module
 */

import { printable } from "../foreign_text.ts";
import type { Origin } from "./origin.ts";

/** Name of the command line in an {@linkcode Origin}. */
export const COMMAND_LINE = "<command line>";
/** Name of the environment in an {@linkcode Origin}. */
export const ENVIRONMENT = "<environment>";
/** Name of standard input in an {@linkcode Origin}. */
export const STDIN = "<stdin>";

/** One thing to tell the user. Only errors keep a configuration from being used. */
export interface Problem {
  /** An error makes the configuration unusable, a warning does not. */
  readonly severity: "error" | "warning";
  /** A whole sentence in one line: what, where, and what to do about it. */
  readonly message: string;
  /** Where it is, also named by the message. */
  readonly origin: Origin;
}

/** An origin as messages show it, for example `app.ini:3`. */
export function formatOrigin(origin: Origin): string {
  return origin.file === ENVIRONMENT ? origin.file : `${origin.file}:${origin.line}`;
}

/** More errors, or warnings, are not kept: a loop can have one for each of its rounds. */
const MOST_PROBLEMS = 200;

/** Collects problems; the same one, met again in a loop or a file included twice, counts once. */
export class Problems {
  readonly #found = new Map<string, Problem>();
  readonly #counts = { error: 0, warning: 0 };
  /** Where there were more than are kept. */
  #more: Origin | null = null;

  /** Adds what makes the configuration unusable. */
  error(origin: Origin, message: string): void {
    this.#add({ severity: "error", message, origin });
  }

  /** Adds what the user should know, but can live with. */
  warning(origin: Origin, message: string): void {
    this.#add({ severity: "warning", message, origin });
  }

  /** Whether there is an error among them. */
  get fatal(): boolean {
    return this.#counts.error > 0;
  }

  /** All of them: environment, command line, then each file of the given order, by line. */
  sorted(files: readonly string[]): Problem[] {
    const order = [ENVIRONMENT, COMMAND_LINE, ...files];
    const rank = (problem: Problem) => {
      const at = order.indexOf(problem.origin.file);
      return at < 0 ? order.length : at;
    };
    const sorted = [...this.#found.values()].sort((a, b) =>
      rank(a) - rank(b) || a.origin.line - b.origin.line
    );
    if (this.#more === null) return sorted;
    const message = `There are more problems, the first one at ${formatOrigin(this.#more)}: ` +
      "correct these before";
    const severity = this.fatal ? "error" : "warning";
    return [...sorted, { severity, message, origin: this.#more }];
  }

  #add(problem: Problem): void {
    const message = printable(problem.message);
    const key = `${formatOrigin(problem.origin)}\n${message}`;
    if (this.#found.has(key)) return;
    if (this.#counts[problem.severity]++ < MOST_PROBLEMS) {
      this.#found.set(key, { ...problem, message });
    } else this.#more ??= problem.origin;
  }
}
