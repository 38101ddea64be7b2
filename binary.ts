/**
 * The program as `deno compile` takes it: `deno task compile`. It is its own worker, see
 * `lib/system/process/standalone.ts`.
 *
 * @module
 */

import { lazyImport } from "./lib/lazy_import.ts";
import { enterBinary, type ScriptToRun, takeScript } from "./lib/system/process/standalone.ts";

/** Evaluates what `deno run` would: a worker loads nothing of the master. */
async function runScript({ preloads, script }: ScriptToRun): Promise<void> {
  for (const url of preloads) await import(url);
  await import(script);
}

if (import.meta.main) {
  enterBinary(import.meta.url);
  const script = takeScript();
  if (script !== null) await runScript(script);
  else {
    const { run } = await lazyImport<typeof import("./lib/cli/run.ts")>(
      import.meta.resolve("./lib/cli/run.ts"),
    );
    Deno.exit(await run(Deno.args));
  }
}
