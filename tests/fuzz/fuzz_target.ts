/**
 * What a fuzz target is, and where the targets are found: every module in `targets/` exports one as
 * `target`, so that adding one needs no list.
 *
 * @module
 */

import { Random } from "./random.ts";

/** Feeds one part of the program random input. */
export interface FuzzTarget {
  /** Name of its module, for `deno task fuzz NAME`. */
  readonly name: string;
  /**
   * Does so many rounds; each makes its input with `random` alone, and takes a few milliseconds at most.
   *
   * @throws {Error} If the program does what it must not.
   */
  run(random: Random, rounds: number): void | Promise<void>;
}

/** Rounds with one seed. The unit test does so many with each target, and they take a second at most. */
export const ROUNDS_PER_SEED = 200;

const TARGETS = new URL("./targets/", import.meta.url);

/** All targets, by the names of their modules. */
export async function fuzzTargets(): Promise<FuzzTarget[]> {
  const files = [...Deno.readDirSync(TARGETS)].map(({ name }) => name)
    .filter((name) => name.endsWith(".ts")).sort();
  return await Promise.all(files.map(async (file) => {
    const { target } = await import(new URL(file, TARGETS).href) as { target: FuzzTarget };
    if (`${target.name}.ts` !== file) {
      throw new Error(`The target in ${file} is not named after it`);
    }
    return target;
  }));
}

/**
 * Does the rounds of one seed.
 *
 * @throws {Error} What the target throws, with the command that does the same again.
 */
export async function runSeed(target: FuzzTarget, seed: number): Promise<void> {
  try {
    await target.run(new Random(seed), ROUNDS_PER_SEED);
  } catch (cause) {
    const again = `deno task fuzz ${target.name} --minutes 0 --seed ${seed}`;
    throw new Error(`Fuzz target ${target.name} failed; reproduce it with: ${again}`, { cause });
  }
}
