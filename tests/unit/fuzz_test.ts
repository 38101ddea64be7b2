/** A small fixed part of what `deno task fuzz` does, with seeds that are always the same. */
import { fuzzTargets, runSeed } from "../fuzz/fuzz_target.ts";

for (const target of await fuzzTargets()) {
  Deno.test(`fuzz target ${target.name} finds no fault`, () => runSeed(target, 1));
}
