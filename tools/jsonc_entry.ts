/**
 * What the program needs of `@std/jsonc`, see `vendor.ts`.
 *
 * @module
 */

export { parse } from "@std/jsonc";
