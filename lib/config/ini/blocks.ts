/**
 * Finds the blocks in a row of lines: which lines a condition guards and which ones a loop repeats.
 *
 * @module
 */

import { CONDITIONS, type IniCondition } from "../conditions.ts";
import type { SettingLine } from "./entry.ts";
import { type Loop, LOOPS } from "../loops.ts";
import { type NamedRow, namesOf } from "../kinds/option_row.ts";
import { findRow } from "../options.ts";
import { formatOrigin, type Problems } from "../problem.ts";

/** A line, or a block with the line that opens it. */
export type Statement = PlainStatement | ConditionStatement | LoopStatement;

/** A line that stands for itself. */
export interface PlainStatement {
  readonly kind: "plain";
  readonly line: SettingLine;
}

/** Lines that count when the condition is met, and lines that count otherwise. */
export interface ConditionStatement {
  readonly kind: "condition";
  readonly line: SettingLine;
  readonly condition: IniCondition;
  /** Whether it is met when its test fails. */
  readonly negated: boolean;
  readonly body: Statement[];
  readonly otherwise: Statement[];
}

/** Lines that are repeated. */
export interface LoopStatement {
  readonly kind: "loop";
  readonly line: SettingLine;
  readonly loop: Loop;
  readonly body: Statement[];
}

/** Blocks that can be nested. */
const DEEPEST = 16;

const CONDITION_BY_NAME = byName(CONDITIONS);
const LOOP_BY_NAME = byName(LOOPS);

interface OpenBlock {
  readonly line: SettingLine;
  readonly closer: "endif" | "endfor";
  /** Where the lines that follow belong; changed by `else`. */
  target: Statement[];
  /** Where they belong after an `else`; null if none is possible (any more). */
  otherwise: Statement[] | null;
}

/**
 * Arranges lines into blocks. Unlike in uWSGI blocks can be nested, so each `endif` and `endfor`
 * closes a block of its own kind; what is left over or missing is reported.
 */
export function findBlocks(
  lines: readonly SettingLine[],
  problems: Problems,
): readonly Statement[] {
  const statements: Statement[] = [];
  const open: OpenBlock[] = [];
  const report = ({ key, origin }: SettingLine, what: string) =>
    problems.error(origin, `"${key}" at ${formatOrigin(origin)} ${what}`);

  for (const line of lines) {
    const block = open.at(-1);
    const target = block?.target ?? statements;
    const role = findRow(line.key)?.name ?? line.key;
    if (role === "endif" || role === "endfor") {
      const at = open.findLastIndex(({ closer }) => closer === role);
      if (at < 0) report(line, "closes nothing: remove it");
      for (const unclosed of at < 0 ? [] : open.splice(at).slice(1)) {
        report(unclosed.line, `is not closed: write ${unclosed.closer} = below its lines`);
      }
    } else if (role === "else") {
      if (block === undefined || block.otherwise === null) {
        report(line, "belongs to no condition: remove it");
      } else {
        block.target = block.otherwise;
        block.otherwise = null;
      }
    } else {
      const opened = openBlock(line);
      if (opened === undefined) {
        target.push({ kind: "plain", line });
        continue;
      }
      if (opened.statement === null) report(line, "is unknown: see --help for those that exist");
      else if (open.length < DEEPEST) target.push(opened.statement);
      else report(line, `is nested too deeply: ${DEEPEST} levels are possible`);
      open.push(opened.block);
    }
  }
  for (const { line, closer } of open) {
    report(line, `is not closed: write ${closer} = below its lines`);
  }
  return statements;
}

/** The block a line opens, without a statement if its condition or loop is unknown. */
function openBlock(
  line: SettingLine,
): { statement: Statement | null; block: OpenBlock } | undefined {
  const body: Statement[] = [];
  const condition = CONDITION_BY_NAME.get(line.key);
  if (condition !== undefined || line.key.startsWith("if-")) {
    const otherwise: Statement[] = [];
    const negated = line.key.startsWith("if-not-");
    return {
      statement: condition === undefined
        ? null
        : { kind: "condition", line, condition, negated, body, otherwise },
      block: { line, closer: "endif", target: body, otherwise },
    };
  }
  const loop = LOOP_BY_NAME.get(line.key);
  if (loop !== undefined || line.key.startsWith("for-")) {
    return {
      statement: loop === undefined ? null : { kind: "loop", line, loop, body },
      block: { line, closer: "endfor", target: body, otherwise: null },
    };
  }
  return undefined;
}

function byName<T extends NamedRow>(rows: readonly T[]): ReadonlyMap<string, T> {
  return new Map(rows.flatMap((row) => namesOf(row).map((name) => [name, row] as const)));
}
