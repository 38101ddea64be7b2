/**
 * No regular expression of lib takes much longer for a text that is a little longer, whatever the text
 * is: whoever sends such a text would stop the master or a worker.
 */
import process from "node:process";
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, relative } from "@std/path/posix";
import { type Pumped, pumped, pumpedTexts } from "../helpers/pumped_texts.ts";
import { regExpLiterals } from "../helpers/regexp_literals.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

function* sources(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory && name !== "vendor") yield* sources(path);
    else if (name.endsWith(".ts")) yield path;
  }
}

/** Repetitions: the first for what grows exponentially, which would not end with more of them. */
const COUNTS = [24, 36, 64, 256, 2048];
/** What takes less is not looked at: it may be anything (ms). */
const NOISE_MS = 1;
/** How much longer twice the text may take. What grows by the square takes four times as long. */
const MOST_GROWTH = 3;

/** Processor time of this process, in milliseconds. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Searches as the program does: for one match, or for all of them. */
function search(expression: RegExp, text: string): void {
  if (expression.global) text.match(expression);
  else text.search(expression);
}

/** The least processor time of a few searches. */
function cost(expression: RegExp, text: string): number {
  const costs = [1, 2, 3].map(() => {
    const begun = processorTime();
    search(expression, text);
    return processorTime() - begun;
  });
  return Math.min(...costs);
}

/** How much longer a text takes than one of half the length; null: both take hardly any time. */
function growth(expression: RegExp, family: Pumped): number | null {
  for (const count of COUNTS) {
    const text = pumped(family, count);
    const begun = performance.now();
    search(expression, text);
    // On a busy machine this says little, so what seems slow is measured again.
    if (performance.now() - begun < NOISE_MS) continue;
    const whole = cost(expression, text);
    if (whole < NOISE_MS) continue;
    return whole / Math.max(cost(expression, pumped(family, count / 2)), NOISE_MS / 100);
  }
  return null;
}

/** What makes an expression slow; null: nothing that was found. */
function whySlow(expression: RegExp): string | null {
  for (const family of pumpedTexts(expression)) {
    let grown = growth(expression, family);
    // Compilation and garbage collection come in between now and then, and not each time.
    for (let again = 0; again < 4 && grown !== null && grown > MOST_GROWTH; again++) {
      grown = growth(expression, family);
    }
    if (grown === null || grown <= MOST_GROWTH) continue;
    return `${expression} takes ${grown.toFixed(1)} times as long for twice ${
      JSON.stringify(family)
    }`;
  }
  return null;
}

Deno.test("literals are told from divisions, comments and texts", () => {
  const text = [
    'const a = /b\\/[/"]/gu; // /no/',
    "const c = d / e / f; /* /no/ */ const g = (h) / 2 / i;",
    "const j = `k ${l.replace(/m`/, `${/n/.source}`)} /no/`;",
    'return /o/.test("/no/");',
    "const p = '/no/' + [1] / 2 / [q];",
  ].join("\n");
  assertEquals(
    regExpLiterals(text).map(({ source, flags, line }) => `${line} /${source}/${flags}`),
    ['1 /b\\/[/"]/gu', "3 /m`/", "3 /n/", "4 /o/"],
  );
});

Deno.test("expressions that go back and forth are found", () => {
  const slow = [
    /^([^\s:]+):[ \t]*(.*?)[ \t]*$/,
    /^(?:\[([^\]]+)\]|([\d.]+|[\da-f:.]*:[\da-f:.]*:[\da-f:.]*?))(?::(\d{1,5}))?$/i,
    /^(a|aa)+$/,
    /[ \t]+$/,
    /^GET (\w+\s?)*;$/,
  ];
  assertEquals(slow.filter((expression) => whySlow(expression) === null), []);
});

Deno.test("no regular expression of lib takes four times as long for twice the text", () => {
  let count = 0;
  const slow: string[] = [];
  for (const path of sources(`${ROOT}lib`)) {
    for (const { source, flags, line } of regExpLiterals(Deno.readTextFileSync(path))) {
      count++;
      const why = whySlow(new RegExp(source, flags));
      if (why !== null) slow.push(`${relative(ROOT, path)}:${line}: ${why}`);
    }
  }
  assert(count > 150, `only ${count} expressions were found`);
  assertEquals(slow, []);
});
