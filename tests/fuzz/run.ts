/**
 * Runs fuzz targets: `deno task fuzz [NAME…] [--minutes N] [--seed N]`. Without names it runs all of them,
 * one after the other, each for so many minutes (default 2), with one seed after the other from a random
 * one on. The first failure ends it with exit code 1, and says how to reproduce it. A target that hangs
 * is found by the last line: it names the seed that is being tried.
 *
 * @module
 */

import { type FuzzTarget, fuzzTargets, ROUNDS_PER_SEED, runSeed } from "./fuzz_target.ts";

const DEFAULT_MINUTES = 2;
const MINUTE_MS = 60_000;
/** How often the seed that is being tried is printed (5 s). */
const NEWS_MS = 5_000;

async function main(words: readonly string[]): Promise<number> {
  const { names, minutes, seed } = parse(words);
  const targets = await fuzzTargets();
  const unknown = names.filter((name) => !targets.some((target) => target.name === name));
  if (unknown.length > 0) {
    const known = targets.map(({ name }) => name).join(", ");
    console.error(`No fuzz target ${unknown.join(", ")}: there are ${known}`);
    return 2;
  }
  const chosen = targets.filter(({ name }) => names.length === 0 || names.includes(name));
  for (const target of chosen) {
    try {
      await runFor(target, minutes * MINUTE_MS, seed);
    } catch (error) {
      console.error(error);
      return 1;
    }
  }
  return 0;
}

async function runFor(target: FuzzTarget, forMs: number, first: number): Promise<void> {
  const end = performance.now() + forMs;
  let seed = first;
  let nextNewsAt = 0;
  do {
    if (performance.now() >= nextNewsAt) {
      console.log(`${target.name}: ${(seed - first) * ROUNDS_PER_SEED} rounds, now seed ${seed}`);
      nextNewsAt = performance.now() + NEWS_MS;
    }
    await runSeed(target, seed);
    seed++;
  } while (performance.now() < end);
  console.log(`${target.name}: ${(seed - first) * ROUNDS_PER_SEED} rounds, no fault`);
}

interface Arguments {
  readonly names: readonly string[];
  readonly minutes: number;
  readonly seed: number;
}

function parse(words: readonly string[]): Arguments {
  const names: string[] = [];
  let minutes = DEFAULT_MINUTES;
  let seed = Math.floor(Math.random() * 2 ** 31);
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--minutes") minutes = numberOf(word, words[++at]);
    else if (word === "--seed") seed = numberOf(word, words[++at]);
    else names.push(word);
  }
  return { names, minutes, seed };
}

function numberOf(option: string, text = ""): number {
  const value = Number(text);
  if (text !== "" && value >= 0 && Number.isFinite(value)) return value;
  console.error(`${option} expects a number, not "${text}"`);
  Deno.exit(2);
}

Deno.exit(await main(Deno.args));
