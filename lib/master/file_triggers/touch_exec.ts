/**
 * Runs in the master. Commands that are started when a file is touched (`touch-exec`).
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import { logLine } from "../log.ts";

/** Starts a command with `sh -c`, in a session of its own; how it ended is told in the log. */
export async function execute(command: string, why: string): Promise<void> {
  const say = (failed: boolean, how: string) =>
    logLine(failed ? "warning" : "info", `touch-exec "${command}" ${how}`, {
      event: "touchExec",
      command,
      failed,
    });
  try {
    const child = new Deno.Command("/bin/sh", {
      args: ["-c", command],
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
      detached: true,
    }).spawn();
    logLine("info", `touch-exec "${command}" was started (pid ${child.pid}): ${why}`, {
      event: "touchExecStarted",
      command,
      pid: child.pid,
    });
    const { code, signal, success } = await child.status;
    say(!success, signal === null ? `exited with code ${code}` : `was killed by ${signal}`);
  } catch (error) {
    const reason = errorText(error);
    say(true, `could not be started: ${reason}`);
  }
}
