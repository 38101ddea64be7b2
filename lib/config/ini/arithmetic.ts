/**
 * The small language inside `%(a b + c)`: words side by side are concatenated, `+ - * /` calculate
 * with the next word, `++` and `--` add and subtract one; strictly from left to right.
 *
 * @module
 */

const OPERATORS: ReadonlyMap<string, (left: bigint, right: bigint) => bigint> = new Map([
  ["+", (left: bigint, right: bigint) => left + right],
  ["-", (left: bigint, right: bigint) => left - right],
  ["*", (left: bigint, right: bigint) => left * right],
  ["/", (left: bigint, right: bigint) => left / right],
]);

const STEPS: ReadonlyMap<string, bigint> = new Map([["++", 1n], ["--", -1n]]);

/**
 * The value of a pipeline. Numbers are whole and have 64 bits, as in uWSGI. Where uWSGI calculates
 * with 0 in place of what is no number, and divides by 0 with the result 0, the mistake is reported.
 *
 * @param lookUp The value of a placeholder, or undefined when it is not defined.
 * @param complain Called with each mistake: half a sentence.
 * @param longest No result grows much beyond this many characters.
 */
export function evaluatePipeline(
  words: readonly string[],
  lookUp: (word: string) => string | undefined,
  complain: (message: string) => void,
  longest: number,
): string {
  const number = (text: string): bigint => {
    if (/^[+-]?[0-9]{1,19}$/.test(text)) return BigInt(text.replace(/^\+/, ""));
    complain(`calculates with "${text.slice(0, 80)}", which is no whole number`);
    return 0n;
  };
  let result = "";
  let operator = "";
  for (const word of words) {
    if (result.length > longest) break;
    const step = STEPS.get(word);
    if (step !== undefined) {
      result = whole(number(result) + step);
      continue;
    }
    if (OPERATORS.has(word)) {
      operator = word;
      continue;
    }
    const value = lookUp(word) ?? literal(word, complain);
    const calculate = OPERATORS.get(operator);
    if (calculate === undefined) {
      result += value;
    } else {
      const left = number(result);
      const right = number(value);
      if (operator === "/" && right === 0n) complain("divides by zero");
      else result = whole(calculate(left, right));
    }
    operator = "";
  }
  return result;
}

function literal(word: string, complain: (message: string) => void): string {
  if (/^[0-9]{1,19}$/.test(word)) return word;
  complain(`uses "${word.slice(0, 80)}", which is not defined`);
  return "";
}

function whole(value: bigint): string {
  return BigInt.asIntN(64, value).toString();
}
