/**
 * Tells a lack of descriptors or memory from other failures: it passes by itself when somebody lets go of
 * some. Pure.
 *
 * @module
 */

import { SystemCallError } from "./libc.ts";

/** The error numbers of errno(3), the same on every Linux that Deno runs on. */
const NUMBERS = { ENOMEM: 12, ENFILE: 23, EMFILE: 24, ENOBUFS: 105 } as const;

const SHORTAGES: ReadonlySet<number> = new Set(Object.values(NUMBERS));

/** How Deno ends the message of a failed system call that has no error class of its own. */
const OS_ERROR = /\(os error (\d{1,4})\)/;

/**
 * True if an error says that there are no descriptors (EMFILE, ENFILE) or no memory (ENOMEM, ENOBUFS) for
 * what was tried, see accept(2). A connection whose client has gone is none of these.
 */
export function isShortage(error: unknown): boolean {
  if (error instanceof SystemCallError) return SHORTAGES.has(error.errno);
  if (typeof error !== "object" || error === null) return false;
  const code: unknown = Reflect.get(error, "code");
  if (typeof code === "string" && Object.hasOwn(NUMBERS, code)) return true;
  const number = OS_ERROR.exec(String(Reflect.get(error, "message")))?.[1];
  return number !== undefined && SHORTAGES.has(Number(number));
}
