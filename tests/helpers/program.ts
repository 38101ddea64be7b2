/**
 * Runs the program for what ends by itself: commands, questions, mistakes.
 *
 * @module
 */

import { fromFileUrl } from "@std/path/posix";

/** The program that is tested: main.ts, or what `DUWSGI_TEST_MAIN` names (a bundle's main.js). */
export const MAIN: string = Deno.realPathSync(
  Deno.env.get("DUWSGI_TEST_MAIN") ?? fromFileUrl(new URL("../../main.ts", import.meta.url)),
);

/** What came of a run. */
export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program to its end. */
export async function duwsgi(args: readonly string[], stdin = ""): Promise<Result> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, ...args],
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(stdin));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}
