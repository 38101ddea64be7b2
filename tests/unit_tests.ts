/**
 * All tests of tests/unit in one runtime. Deno makes a new one for each file that it finds itself and
 * compiles all that it imports anew: that way they take three times as long. A single file runs as ever:
 * `deno test -A --no-check tests/unit/core/step_test.ts`.
 *
 * @module
 */

const UNIT = new URL("./unit/", import.meta.url);

/** The test files below a folder. */
function testFiles(folder: URL): URL[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    if (isDirectory) return testFiles(new URL(`${name}/`, folder));
    return name.endsWith("_test.ts") ? [new URL(name, folder)] : [];
  });
}

for (const file of testFiles(UNIT).map(String).sort()) await import(file);
