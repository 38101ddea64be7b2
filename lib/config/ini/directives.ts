/**
 * Carries out the lines of a configuration in order: files are read where they are named, blocks are
 * left out or repeated, and what remains are the entries that set something.
 *
 * @module
 */

import { findBlocks, type Statement } from "./blocks.ts";
import type { IniCondition } from "../conditions.ts";
import { RawEntries, type SettingLine } from "./entry.ts";
import { Expander, type ExpansionScope } from "./expand.ts";
import type { Loop } from "../loops.ts";
import { locateIni } from "./ini_location.ts";
import { trimSpace } from "./ini.ts";
import { sectionLines, sectionOf, shownName } from "./ini_file.ts";
import type { MagicFile } from "./magic.ts";
import { DIRECTIVES, findOptionKey, findRow } from "../options.ts";
import { COMMAND_LINE, formatOrigin, type Problems } from "../problem.ts";
import type { ConfigSource } from "../source.ts";
import { Budget, LimitError, TextFiles } from "./text_files.ts";
import type { Origin } from "../origin.ts";

/** What lines came to. */
export interface Assembled {
  /** Entries in order, and everything needed to expand their values. */
  readonly scope: ExpansionScope;
  /** The files read, as named by the user, in order; standard input is `<stdin>`. */
  readonly files: readonly string[];
  /** Whether a file or section is missing, so that messages about missing options would mislead. */
  readonly incomplete: boolean;
}

/** Files that can include each other in a row. */
const DEEPEST = 16;
/** Looking at the file system costs about as much as this many lines. */
const GLOB_COST = 100;

/** Where lines stand. */
interface LineContext {
  /** The files being read, outermost first; none for the command line. */
  readonly files: readonly MagicFile[];
  /** What `%(_)` stands for, or null. */
  readonly matched: string | null;
}

/** Carries out several rows of lines one after the other; no block goes from one to the next. */
export function assemble(
  rows: readonly (readonly SettingLine[])[],
  source: ConfigSource,
  problems: Problems,
): Assembled {
  const assembly = new Assembly(source, problems);
  for (const lines of rows) assembly.run(lines);
  assembly.finish();
  return assembly;
}

class Assembly implements Assembled {
  readonly scope: ExpansionScope;
  readonly files: string[] = [];
  incomplete = false;
  #reached: Origin = { file: COMMAND_LINE, line: 1 };
  readonly #inherited: { line: SettingLine; around: LineContext }[] = [];

  constructor(source: ConfigSource, problems: Problems) {
    const texts = new TextFiles(source);
    const allowance = new Budget();
    this.scope = { source, problems, texts, allowance, entries: new RawEntries() };
  }

  /** Carries out lines that are in no file. */
  run(lines: readonly SettingLine[]): void {
    this.#withinLimits(() => this.#runLines(lines, { files: [], matched: null }));
  }

  /** Reads what was to be read last. */
  finish(): void {
    this.#withinLimits(() => {
      for (let next = this.#inherited.shift(); next; next = this.#inherited.shift()) {
        this.#load(next.line, next.around);
      }
    });
  }

  #withinLimits(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof LimitError)) throw error;
      const where = formatOrigin(this.#reached);
      this.scope.problems.error(this.#reached, `${error.message}: look for a loop at ${where}`);
      this.incomplete = true;
    }
  }

  #runLines(lines: readonly SettingLine[], around: LineContext): void {
    this.#run(findBlocks(lines, this.scope.problems), around);
  }

  #run(statements: readonly Statement[], around: LineContext): void {
    for (const statement of statements) {
      this.#reached = statement.line.origin;
      this.scope.allowance.spendLines(1);
      this.#runStatement(statement, around);
    }
  }

  #runStatement(statement: Statement, around: LineContext): void {
    const { line } = statement;
    switch (statement.kind) {
      case "plain":
        return this.#runLine(line, around);
      case "condition": {
        const { condition, negated } = statement;
        const argument = this.#argument(line, around);
        const matched = this.#attempt(line, () => this.#test(condition, argument));
        if (matched === undefined) return;
        const met = negated ? matched === null : matched !== null;
        const inside = { ...around, matched: matched ?? argument };
        return met ? this.#run(statement.body, inside) : this.#run(statement.otherwise, around);
      }
      case "loop": {
        const argument = this.#argument(line, around);
        const items = this.#attempt(line, () => this.#items(statement.loop, argument));
        for (const item of items ?? []) {
          this.scope.allowance.spendLines(1);
          this.#run(statement.body, { ...around, matched: item });
        }
      }
    }
  }

  #runLine(line: SettingLine, around: LineContext): void {
    switch (findRow(line.key)?.name) {
      case "ini":
      case "include":
        return this.#load(line, around);
      case "inherit":
        this.#inherited.push({ line, around });
        return;
      case "set":
        return this.#set(line, around);
      case "set-placeholder":
        return this.#setPlaceholder(line, around);
      default:
        this.scope.entries.add({ ...line, placeholder: false, matched: around.matched });
    }
  }

  #set(line: SettingLine, around: LineContext): void {
    const { key, value } = this.#definition(line, around);
    if (key === "" || DIRECTIVES.some((row) => row === findRow(key))) {
      this.#error(line, "needs the name of an option: write set = NAME=VALUE");
    } else {
      this.#runLine({ key, value, origin: line.origin }, around);
    }
  }

  #setPlaceholder(line: SettingLine, around: LineContext): void {
    const { key, value } = this.#definition(line, around);
    if (!/^[^\s()=]+$/.test(key) || value === null) {
      this.#error(line, "needs a name and a value: write set-placeholder = NAME=VALUE");
    } else if (findOptionKey(key) !== undefined || findRow(key) !== undefined) {
      this.#error(line, `cannot redefine the option "${key}": choose another name`);
    } else if (this.scope.entries.first(key) === undefined) {
      const { origin } = line;
      this.scope.entries.add({ key, value, origin, placeholder: true, matched: around.matched });
    }
  }

  /** Splits `NAME=VALUE`. The name is needed at once, the value is expanded with all the others. */
  #definition(line: SettingLine, around: LineContext): { key: string; value: string | null } {
    const text = line.value ?? "";
    const equals = text.indexOf("=");
    const name = equals < 0 ? text : text.slice(0, equals);
    return {
      key: trimSpace(this.#expandNow(name, line.origin, around)),
      value: equals < 0 ? null : trimSpace(text.slice(equals + 1)),
    };
  }

  #load(line: SettingLine, around: LineContext): void {
    const name = this.#argument(line, around);
    const complete = this.#attempt(line, () => {
      this.#loadFile(name, around);
      return true;
    });
    if (complete === undefined) this.incomplete = true;
  }

  /** @throws {SyntaxError} When the file cannot be used; half a sentence, see `#attempt`. */
  #loadFile(name: string, { files: outer, matched }: LineContext): void {
    const { texts, source } = this.scope;
    const file = locateIni(name, outer.at(-1), source);
    const identity = (one: MagicFile) => `${texts.identify(one.name)}\n${sectionOf(one)}`;
    if (outer.some((one) => identity(one) === identity(file))) {
      throw new SyntaxError(`makes "${file.name}" include itself: remove it`);
    }
    if (outer.length >= DEEPEST) {
      throw new SyntaxError(`is nested too deeply: ${DEEPEST} files are possible`);
    }
    const text = texts.read(file.name);
    const shown = shownName(file);
    if (!this.files.includes(shown)) this.files.push(shown);
    const files = [...outer, file];
    this.#runLines(sectionLines(text, files, this.scope), { files, matched });
  }

  #test(condition: IniCondition, argument: string): string | null {
    if (argument === "" && condition.argument !== "") throw new SyntaxError("needs a value");
    const value = (name: string) => this.#valueSoFar(name);
    return condition.test(argument, { source: this.scope.source, value });
  }

  #items(loop: Loop, argument: string): Iterable<string> {
    const { texts, allowance, source } = this.scope;
    return loop.items(argument, {
      read: (path) => {
        const content = texts.read(path);
        allowance.spendCharacters(content.length);
        return content;
      },
      glob: (pattern) => {
        allowance.spendLines(GLOB_COST);
        return source.glob(pattern);
      },
    });
  }

  #argument(line: SettingLine, around: LineContext): string {
    return this.#expandNow(line.value ?? "", line.origin, around);
  }

  #expandNow(text: string, origin: Origin, { matched }: LineContext): string {
    return new Expander(this.scope, false).expand(text, { origin, matched });
  }

  #valueSoFar(name: string): string | undefined {
    const entry = this.scope.entries.first(name);
    return entry && (new Expander(this.scope, false).entryValue(entry) ?? "");
  }

  /** Reports the half sentence of a SyntaxError about the line; the result is then undefined. */
  #attempt<T>(line: SettingLine, action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      this.#error(line, error.message);
      return undefined;
    }
  }

  #error({ key, origin }: SettingLine, what: string): void {
    this.scope.problems.error(origin, `"${key}" at ${formatOrigin(origin)} ${what}`);
  }
}
