/**
 * Numbers of bytes, as people write them.
 *
 * @module
 */

const FACTORS: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/**
 * Reads `1048576`, `1024k`, `1m` or `1g`; the letters are powers of 1024, in either case.
 *
 * @throws {SyntaxError} If it is none; the message continues a sentence that names the option.
 */
export function byteCount(text: string): number {
  const [, digits = "", letter = ""] = /^([0-9]{1,15})([kmg]?)$/i.exec(text) ?? [];
  const bytes = Number(digits) * (FACTORS[letter.toLowerCase()] ?? NaN);
  if (digits !== "" && Number.isSafeInteger(bytes)) return bytes;
  throw new SyntaxError(`expects bytes, such as 1048576, 1024k or 1m, not "${text}"`);
}
