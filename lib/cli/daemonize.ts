/**
 * Starts the daemon: a process cannot leave its terminal behind without fork(2), which Deno does not
 * have, so it starts itself once more in a session of its own, and waits for what becomes of it.
 *
 * @module
 */

import { printable } from "../foreign_text.ts";
import { DAEMON_IS_UP, DAEMON_VARIABLE } from "../master/process/daemon.ts";
import { libc } from "../system/libc.ts";
import { ownArguments } from "../system/process/own_command.ts";
import { EXIT, needsForeignFunctions } from "../errors.ts";

/** Who waits passes these on, and the daemon stops. */
const PASSED_ON = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Starts the daemon and waits until it is up, or has failed.
 *
 * @param option The option that asks for it, with its place.
 * @param stdin What was read from standard input, for the daemon to read again; null: nothing was.
 * @throws {UserError} Without foreign functions, because a daemon cannot change where it writes to.
 * @returns The exit code: 0 when the daemon is up, otherwise its own.
 */
export async function startDaemon(option: string, stdin: string | null): Promise<number> {
  const c = libc();
  if (c === null) throw needsForeignFunctions(option);
  const child = new Deno.Command(Deno.execPath(), {
    args: [...ownArguments(c)],
    env: { [DAEMON_VARIABLE]: "1" },
    detached: true,
    stdin: stdin === null ? "null" : "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const pass = () => child.kill("SIGTERM");
  for (const signal of PASSED_ON) Deno.addSignalListener(signal, pass);
  try {
    if (stdin !== null) await give(child.stdin, stdin);
    const words = await listen(child.stdout);
    if (words === null) return EXIT.ok.code;
    const { code } = await child.status;
    for (const word of words) console.error(printable(word));
    // It was told to stop before it was up.
    return code === EXIT.ok.code ? EXIT.noWorkerStarted.code : code;
  } finally {
    for (const signal of PASSED_ON) Deno.removeSignalListener(signal, pass);
  }
}

async function give(stream: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stream.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch {
    // It ended without reading all of it; why, it says itself.
  }
}

/** What the daemon says, up to its end; null as soon as it is up. */
async function listen(stream: ReadableStream<Uint8Array>): Promise<string[] | null> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    if (text.endsWith(`${DAEMON_IS_UP}\n`)) return null;
  }
  return text === "" ? [] : text.trimEnd().split("\n");
}
