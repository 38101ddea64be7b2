/**
 * The version of duwsgi, the same as in deno.json.
 *
 * @module
 */

import manifest from "../deno.json" with { type: "json" };

/** Version of duwsgi, for example `0.1.0`. */
export const VERSION: string = manifest.version;
