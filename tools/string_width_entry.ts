/**
 * What the program needs of string-width, see `vendor.ts`.
 *
 * @module
 */

export { default as stringWidth } from "string-width";
