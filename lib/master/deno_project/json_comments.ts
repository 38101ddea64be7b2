/**
 * Reads JSON with comments and trailing commas. A module of its own, because few starts need it.
 *
 * @module
 */

export { parse } from "../../vendor/jsonc.js";
