/**
 * Whether this program is a binary made by `deno compile`, and all that follows from it: such a binary has
 * no `deno run`, so it is its own worker. It runs itself again, and the copy evaluates the preloads and the
 * user's script by itself.
 *
 * `binary.ts` is what is compiled. Run by `deno run` it behaves the same, which is how it is tested.
 *
 * @module
 */

import { fromFileUrl } from "../../paths.ts";

/** Tells a copy of the binary that it is a worker, and of which script. */
const SCRIPT_VARIABLE = "DUWSGI_SCRIPT";
/** The directory of what was compiled in, for configurations: `$(DUWSGI_EMBEDDED)/app.ts`. */
const EMBEDDED_VARIABLE = "DUWSGI_EMBEDDED";

/** What a worker of the binary runs, as URLs. */
export interface ScriptToRun {
  /** Before the script, in order. */
  readonly preloads: readonly string[];
  readonly script: string;
}

/** How a worker is started. */
export interface WorkerCall {
  /** The arguments behind the program. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

let entry: string | null = null;
let running: ScriptToRun | null = null;

/** Called by binary.ts before anything else, with its own URL. */
export function enterBinary(url: string): void {
  entry = url;
  Deno.env.set(EMBEDDED_VARIABLE, fromFileUrl(new URL(".", url)).replace(/\/$/, ""));
}

/** True in a compiled program, master and worker. */
export function isBinary(): boolean {
  return entry !== null;
}

/** What this process is to run, as a worker of the binary; null: it is a master, or another command. */
export function takeScript(): ScriptToRun | null {
  const text = Deno.env.get(SCRIPT_VARIABLE);
  if (text === undefined) return null;
  Deno.env.delete(SCRIPT_VARIABLE);
  return running = JSON.parse(text) as ScriptToRun;
}

/** URL of the worker's script: in a binary, the main module is duwsgi's. */
export function scriptModule(): string {
  return running?.script ?? Deno.mainModule;
}

/** How a worker of the binary is started. */
export function binaryWorker(toRun: ScriptToRun, argv: readonly string[]): WorkerCall {
  return {
    args: [...argumentsBeforeOwn(Deno.build.standalone, entry ?? ""), ...argv],
    env: { [SCRIPT_VARIABLE]: JSON.stringify(toRun) },
  };
}

/** A compiled program takes its own arguments first; what Deno runs has those of Deno before them. */
export function argumentsBeforeOwn(compiled: boolean, url: string): readonly string[] {
  return compiled ? [] : ["run", "-A", "--unstable-net", fromFileUrl(url)];
}

/**
 * Why a binary cannot run workers so; null: it can, or this is none.
 *
 * @param denoFlags The option `deno-flag`.
 * @param sandboxed Whether options say what workers may do.
 */
export function whyNotInBinary(denoFlags: readonly string[], sandboxed: boolean): string | null {
  if (!isBinary() || (denoFlags.length === 0 && !sandboxed)) return null;
  const options = sandboxed ? "the options about permissions say" : "deno-flag says";
  return `A compiled duwsgi cannot do what ${options}: its permissions and flags are those that it was ` +
    "compiled with. Leave it out, or compile with them";
}
