/**
 * What every bench does around its measurement: reads its one option, has the machine for itself,
 * prints and records what it found, and says with its exit code whether the goals were reached.
 *
 * @module
 */

import { describeMachine } from "./machine.ts";
import { recordSection } from "./readme.ts";
import { endAll } from "./servers.ts";

/** What must come out of a measurement. */
export interface Goal {
  /** In words, with the number that was measured. */
  readonly what: string;
  readonly reached: boolean;
  /** True: it was counted, not timed, so the short form can judge it too. */
  readonly counted: boolean;
}

/** What a measurement found. */
export interface Findings {
  /** Markdown, without headings. */
  readonly text: string;
  readonly goals: readonly Goal[];
}

/** How long a measurement takes: `short` proves that it works and is too little to judge speed. */
export type Length = "full" | "short";

/** Something that a bench needs is not there; the message says how to get it. */
export class MissingRequirement extends Error {
  override readonly name = "MissingRequirement";
}

/** 0: all goals reached; 1: not; 2: could not be measured; 130: interrupted. */
type ExitCode = 0 | 1 | 2 | 130;

/** Measures, and ends the program. Only the full form writes into `bench/README.md`. */
export async function runBench(
  section: string,
  measure: (length: Length) => Promise<Findings>,
): Promise<never> {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => void leave(130));
  }
  const length = lengthOf(Deno.args);
  if (length === null) {
    console.error(`The only option is --short, not ${Deno.args.join(" ")}`);
    return await leave(2);
  }
  let code: ExitCode = 2;
  try {
    using _machine = claimMachine();
    code = await measureAndTell(section, length, measure);
  } catch (error) {
    console.error(error instanceof MissingRequirement ? error.message : error);
  }
  return await leave(code);
}

function lengthOf(args: readonly string[]): Length | null {
  if (args.length === 0) return "full";
  return args.length === 1 && args[0] === "--short" ? "short" : null;
}

async function measureAndTell(
  section: string,
  length: Length,
  measure: (length: Length) => Promise<Findings>,
): Promise<ExitCode> {
  const { text, goals } = await measure(length);
  const date = new Date().toISOString().slice(0, 10);
  const verdicts = goals.map((goal) => `- ${verdict(goal, length)}: ${goal.what}`);
  const body = [`Measured on ${date}: ${describeMachine()}.`, text, verdicts.join("\n")].join(
    "\n\n",
  );
  console.log(`\n${body}\n`);
  if (length === "full") await recordSection(section, body);
  return goals.every((goal) => verdict(goal, length) !== "MISSED") ? 0 : 1;
}

function verdict({ reached, counted }: Goal, length: Length): "reached" | "MISSED" | "not judged" {
  if (length === "short" && !counted) return "not judged";
  return reached ? "reached" : "MISSED";
}

/**
 * Two measurements at once would disturb each other. The abstract Unix socket (unix(7)) goes with the
 * process that has it.
 */
function claimMachine(): Disposable {
  try {
    return Deno.listen({ transport: "unix", path: "\0duwsgi-bench" });
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new MissingRequirement("Another bench is running on this machine: wait until it is done");
  }
}

async function leave(code: ExitCode): Promise<never> {
  await endAll();
  return Deno.exit(code);
}
