/**
 * The kinds of value that only options of the log have.
 *
 * @module
 */

import { byteCount, checkedPattern, parseLogTarget } from "../values/log_line.ts";
import {
  list,
  type OptionKind,
  owner,
  readPath,
  scalar,
  unexpected,
  WORDS,
} from "./option_kind.ts";

/** Bytes, with `k`, `m` or `g` behind the number if need be (powers of 1024). */
export function bytes(smallest: number, largest: number): OptionKind<number> {
  return scalar(
    (text) => {
      const value = byteCount(text);
      if (value >= smallest && value <= largest) return value;
      throw unexpected(text, `${smallest} to ${largest} bytes`);
    },
    (value) => String(value),
  );
}

/** A file, or where datagrams go: what has a colon is an address. */
export const logTarget: OptionKind<string> = scalar(
  (text) => {
    parseLogTarget(readPath(text));
    return text;
  },
  (value) => value,
  "",
);

/** `user` or `user:group`; uWSGI's flag, which names nobody, stands for the user of the instance. */
export const fileOwner: OptionKind<string> = {
  ...owner,
  value: "optional",
  add: (before, written) =>
    written.value === null || WORDS.has(written.value.toLowerCase())
      ? ""
      : owner.add(before, written),
};

/** How ctime(3) writes a date, as strftime(3) calls it. */
const CTIME = "%c";

/** A strftime(3) format; without a value that of ctime(3). Null: no date. */
export const logDate: OptionKind<string | null> = {
  value: "optional",
  repeatable: false,
  add: (_before, { value }) => {
    const flag = value === null ? true : WORDS.get(value.toLowerCase());
    if (flag === undefined) return value;
    return flag ? CTIME : null;
  },
  write: (value) => value === null ? [] : [{ value }],
};

/** Any number of regular expressions. */
export const patterns: OptionKind<readonly string[]> = list(checkedPattern, (value) => value);
