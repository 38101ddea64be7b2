/**
 * What a terminal sends, as keys.
 *
 * @module
 */

/** A key: a character as it is, or a name. */
export type Key = string;

/** What follows ESC, in the ways of terminals (xterm, VT220, Linux console). */
const SEQUENCES: Readonly<Record<string, Key>> = {
  "[A": "up",
  "[B": "down",
  "[C": "right",
  "[D": "left",
  "[H": "home",
  "[F": "end",
  "OA": "up",
  "OB": "down",
  "OC": "right",
  "OD": "left",
  "OH": "home",
  "OF": "end",
  "[1~": "home",
  "[4~": "end",
  "[5~": "pageUp",
  "[6~": "pageDown",
  "[7~": "home",
  "[8~": "end",
};

const CONTROL: Readonly<Record<string, Key>> = {
  "\x03": "interrupt",
  "\x0c": "redraw",
  "\r": "enter",
  "\n": "enter",
  "\x1a": "suspend",
};

const ESCAPE = "\x1b";
/** A whole sequence behind ESC (ECMA-48), or what VT100s send for their keys. */
const SEQUENCE = /^(\[[0-?]*[ -/]*[@-~]|O[ -~])/;
/** The beginning of one. */
const BEGUN = /^(\[[0-?]*[ -/]*|O)$/;
/** What is longer never ends. */
const LONGEST = 32;

/** Reads keys from pieces of input. */
export class KeyReader {
  #rest = "";
  readonly #decoder = new TextDecoder();

  /** The keys in these bytes; a sequence that has only begun waits for the next ones. */
  take(bytes: Uint8Array): readonly Key[] {
    let text = this.#rest + this.#decoder.decode(bytes, { stream: true });
    const keys: Key[] = [];
    this.#rest = "";
    while (text !== "") {
      const [first = ""] = text;
      const behind = first === ESCAPE ? text.slice(1) : "";
      if (BEGUN.test(behind) && behind.length < LONGEST) {
        this.#rest = text;
        break;
      }
      const [whole] = SEQUENCE.exec(behind) ?? [];
      // Of sequences that are not known the characters were not typed.
      const key = whole === undefined
        ? first === ESCAPE ? "escape" : CONTROL[first] ?? first
        : SEQUENCES[whole];
      if (key !== undefined) keys.push(key);
      text = text.slice(first.length + (whole?.length ?? 0));
    }
    return keys;
  }
}
