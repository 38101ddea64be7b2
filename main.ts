/**
 * The program: `deno run -A main.ts --ini app.ini`.
 *
 * @module
 */

import { run } from "./lib/cli/run.ts";

if (import.meta.main) Deno.exit(await run(Deno.args));
