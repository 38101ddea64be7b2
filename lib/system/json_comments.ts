/**
 * Reads JSON with comments and trailing commas. A module of its own, because Deno looks for a package as
 * soon as a module that names it is loaded.
 *
 * @module
 */

export { parse } from "@std/jsonc";
