/**
 * Finds the regular expressions that a module's source has as literals, without a compiler: enough of
 * the grammar to tell a literal from a division, a comment, a text or a template (ECMA-262, 12).
 *
 * @module
 */

/** A literal. */
export interface RegExpLiteral {
  readonly source: string;
  readonly flags: string;
  /** Number of its line, from 1. */
  readonly line: number;
}

/** Behind one of these words an expression begins, so `/` is no division. */
const BEFORE_EXPRESSION: ReadonlySet<string> = new Set([
  ...["return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "else", "do"],
  ...["await", "yield", "instanceof"],
]);

/** All literals of a source, in order. */
export function regExpLiterals(text: string): RegExpLiteral[] {
  const found: RegExpLiteral[] = [];
  /** Open braces: true where the brace is that of a `${` in a template. */
  const braces: boolean[] = [];
  let at = 0;
  /** What came before, blanks and comments left out: a word, or one character. */
  let before = "";

  const skipTo = (end: string, from: number) => {
    const index = text.indexOf(end, from);
    return index < 0 ? text.length : index + end.length;
  };
  const skipQuoted = (quote: string) => {
    at++;
    while (at < text.length && text[at] !== quote) at += text[at] === "\\" ? 2 : 1;
    at++;
  };
  const skipTemplate = () => {
    while (at < text.length && text[at] !== "`") {
      if (text.startsWith("${", at)) {
        braces.push(true);
        at += 2;
        before = "{";
        return;
      }
      at += text[at] === "\\" ? 2 : 1;
    }
    at++;
    before = '"';
  };
  const takeLiteral = () => {
    const from = at + 1;
    let inClass = false;
    for (at = from; at < text.length && text[at] !== "\n"; at++) {
      if (text[at] === "\\") at++;
      else if (text[at] === "[") inClass = true;
      else if (text[at] === "]") inClass = false;
      else if (text[at] === "/" && !inClass) break;
    }
    const source = text.slice(from, at);
    const flags = /^[a-z]*/.exec(text.slice(at + 1, at + 10))?.[0] ?? "";
    found.push({ source, flags, line: text.slice(0, from).split("\n").length });
    at += 1 + flags.length;
    before = '"';
  };

  while (at < text.length) {
    const character = text[at] ?? "";
    const word = /^[\w$]+/.exec(text.slice(at, at + 100))?.[0];
    if (/\s/.test(character)) at++;
    else if (text.startsWith("//", at)) at = skipTo("\n", at);
    else if (text.startsWith("/*", at)) at = skipTo("*/", at + 2);
    else if (character === '"' || character === "'") {
      skipQuoted(character);
      before = '"';
    } else if (character === "`") {
      at++;
      skipTemplate();
    } else if (word !== undefined) {
      before = word;
      at += word.length;
    } else if (character === "/") {
      const divides = /^[\w$)\]}"]/.test(before) && !BEFORE_EXPRESSION.has(before);
      if (divides) {
        before = character;
        at++;
      } else takeLiteral();
    } else {
      at++;
      before = character;
      if (character === "{") braces.push(false);
      if (character === "}" && braces.pop() === true) skipTemplate();
    }
  }
  return found;
}
