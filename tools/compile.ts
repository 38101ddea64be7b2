/**
 * `deno task compile`: makes one binary of duwsgi. What is given is passed on to `deno compile`, such as
 * `--output FILE` and `--include DIRECTORY`.
 *
 * @module
 */

import { fromFileUrl } from "@std/path/posix";

const ROOT = fromFileUrl(new URL("../", import.meta.url));

/** Modules that are loaded later are hidden from Deno, so all of lib is named. */
const ARGUMENTS = ["--no-check", "-A", "--unstable-net", "--include", "lib"];

/** Deno looks for its runtime there before it downloads one. */
const RUNTIME_VARIABLE = "DENORT_BIN";

/** Compiles; the exit code. */
async function compile(given: readonly string[]): Promise<number> {
  const output = given.some((word) => /^(-o|--output)/.test(word)) ? [] : ["--output", "duwsgi"];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["compile", ...ARGUMENTS, ...output, ...given, "binary.ts"],
    cwd: ROOT,
    stdout: "inherit",
    stderr: "piped",
  }).output();
  await Deno.stderr.write(stderr);
  if (code !== 0 && /denort|dl\.deno\.land/.test(new TextDecoder().decode(stderr))) {
    console.error(
      "compile: skipped, because Deno's runtime for binaries (denort) can neither be found nor " +
        `downloaded from dl.deno.land: set ${RUNTIME_VARIABLE} to its path`,
    );
  }
  return code;
}

if (import.meta.main) Deno.exit(await compile(Deno.args));
