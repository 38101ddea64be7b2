/**
 * Runs in the worker, as a second preload and only when log lines have targets or a form of their own:
 * from here on this process writes them there.
 *
 * @module
 */

import type { EntryLevel, LogEntry } from "../../log/entry.ts";
import { recordsOf } from "../../log/records.ts";
import { type EntrySink, openStream } from "../../log/stream.ts";
import { type LogPlan, planDescriptors } from "../../log/log_plan.ts";
import { setInherited } from "../../system/descriptor.ts";
import { fastWrite } from "../../system/files/fast_write.ts";
import type { Libc } from "../../system/libc.ts";
import { forgetLines, readLines, type WordFile } from "../../system/files/output_file.ts";
import { LEVELS, printConsoleWith } from "./console_output.ts";
import { instanceAccess } from "../instance.ts";
import { useLineSinks } from "./line_sinks.ts";

const currentInstance = instanceAccess();

/** How often raw output is looked for (1 s). */
const LOOK_MS = 1_000;

const { environment, libc, facts } = currentInstance();
// Without foreign functions, here or there, the master gets everything over the start-up pipe and puts
// it into form.
if (libc !== null && environment.stderr !== null && facts.log !== null) writeTo(libc, facts.log);

function writeTo(c: Libc, plan: LogPlan): void {
  const { processRow } = currentInstance();
  for (const fd of planDescriptors(plan)) setInherited(c, fd, false);
  const { words, stderr } = environment;
  const setup = {
    libc: c,
    write: fastWrite(c),
    lockFd: environment.scoreboard,
    stderrFd: stderr ?? 2,
    hostname: facts.hostname,
    pid: Deno.pid,
    onLost: processRow.counter("logLinesLost"),
  };
  const log = plan.log && openStream(plan.log, setup);
  const requests = plan.request ? openStream(plan.request, setup) : log;
  if (log !== null) encodeOutput(c, log, words, facts.ownConsole);
  useLineSinks({
    ...(log === null ? {} : { log: (line) => log([entryOf("info", line, { stream: "log" })]) }),
    ...(requests === null ? {} : {
      request: (line) => requests([requestEntry(line)]),
      requests: (lines) => requests(lines.map(requestEntry)),
    }),
  });
}

function encodeOutput(c: Libc, log: EntrySink, words: WordFile | null, ownConsole: boolean): void {
  if (ownConsole) {
    printConsoleWith((text, level) =>
      log([entryOf(LEVELS[level], text, { stream: level > 1 ? "stderr" : "stdout" })])
    );
  }
  if (words === null) return;
  const timer = setInterval(() => {
    const lines = readLines(c, words.read, false);
    if (lines.length === 0) return;
    log(recordsOf(lines).map((text) => entryOf("info", text, { stream: "output" })));
    forgetLines(c, words);
  }, LOOK_MS);
  Deno.unrefTimer(timer);
}

function requestEntry(line: string): LogEntry {
  const isObject = facts.requestLog?.json === true;
  return { ...entryOf("info", line, {}), logger: "request", isObject };
}

function entryOf(
  level: EntryLevel,
  text: string,
  more: Readonly<Record<string, unknown>>,
): LogEntry {
  const { slot, mule, generation } = currentInstance().environment;
  const who = mule > 0 ? { mule } : { worker: slot };
  return {
    level,
    text: text.endsWith("\n") ? text.slice(0, -1) : text,
    at: Date.now(),
    logger: mule > 0 ? "mule" : "worker",
    fields: { ...who, pid: Deno.pid, generation, ...more },
  };
}
