/**
 * Texts that make a backtracking regular expression try as much as it can: what leads to one of its
 * parts, then something that several parts match, again and again, then something that none of them
 * matches.
 *
 * @module
 */

/** A family of texts of any length. */
export interface Pumped {
  readonly prefix: string;
  readonly unit: string;
  readonly suffix: string;
}

/** The text in which the unit stands `count` times. */
export function pumped({ prefix, unit, suffix }: Pumped, count: number): string {
  return prefix + unit.repeat(count) + suffix;
}

/** What stands for the members of a class: one of each kind that expressions tell apart. */
const SAMPLES = [..." \ta0AfZ:/.=,-_;@\"'()[]{}\\%?*+\r\n\0\u0085\u2028"];
const SUFFIXES = ["", "\rx", "\n!", "\0", "x", " (:"];

/** A part of an expression that matches one character: those samples that it matches. */
type Atom = readonly string[];

/** The parts of an expression in order; groups and quantifiers are left out, `|` is null. */
function atomsOf(source: string, flags: string): (Atom | null)[] {
  const tokens = source.matchAll(
    /\[\^?(?:\\[^]|[^\]\\])*\]|\\[pP]\{[^}]*\}|\\u[\da-fA-F]{4}|\\x[\da-fA-F]{2}|\\[^]|\(\?(?:<?[=!]|:|<\w+>)?|\{\d+(?:,\d*)?\}\??|[^]/g,
  );
  const atoms: (Atom | null)[] = [];
  for (const { 0: token } of tokens) {
    if (token === "|") atoms.push(null);
    else if (!/^(?:[()*+?^$]|\(\?|\{\d|\\[bB1-9])/.test(token)) {
      const one = new RegExp(`^${token}$`, flags.replaceAll(/[gym]/g, ""));
      const literal = token.length === 1 && token !== "." ? [token] : [];
      atoms.push([...new Set([...literal, ...SAMPLES.filter((sample) => one.test(sample))])]);
    }
  }
  return atoms;
}

/** Families of texts for an expression. */
export function* pumpedTexts({ source, flags }: RegExp): Generator<Pumped> {
  const atoms = atomsOf(source, flags);
  const prefixes = new Set([""]);
  const units = new Set<string>();
  let whole = "";
  let branch = "";
  let last = "";
  for (const atom of atoms) {
    if (atom === null) {
      branch = "";
      continue;
    }
    const [first = "", ...others] = atom;
    for (const sample of [first, ...others.slice(0, 5)]) units.add(sample);
    units.add(last + first);
    [whole, branch, last] = [whole + first, branch + first, first];
    prefixes.add(whole).add(branch);
  }
  for (const prefix of prefixes) {
    for (const unit of units) {
      for (const suffix of SUFFIXES) yield { prefix, unit, suffix };
    }
  }
}
