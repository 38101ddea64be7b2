/**
 * `duwsgi ctl`: gives a command to a running master, and shows what it answers.
 *
 * @module
 */

import { printable, printableLines } from "../../foreign_text.ts";
import { loadGrammars } from "../../config/kinds/line_reader.ts";
import { type Command, commandList, hasVerdict } from "../../control/commands.ts";
import { type CommandAnswer, decodeAnswer, type Request } from "../../control/message.ts";
import type { Verdict } from "../../core/verdict.ts";
import { Channel } from "../../protocol/channel.ts";
import type { SourceBase } from "../../instance/config_source.ts";
import { fulfilledWithin, pause } from "../../system/timing.ts";
import { CTL_USAGE, type CtlArguments, parseCtlArguments } from "./ctl_arguments.ts";
import { EXIT, type ExitName, UserError } from "../../errors.ts";
import { followMaster } from "./follow_master.ts";
import { unreachable } from "./find_master.ts";
import { connectOperator } from "./operator_call.ts";
import { socketOf } from "./operator_socket.ts";
import { showProgress } from "./show_progress.ts";
import { mastersText, mastersValue, onlyMaster, runningMasters } from "./running_masters.ts";

/** Without `--wait` the answer comes at once (10 s). */
const ANSWER_TIMEOUT_MS = 10_000;
/** How long a master may take to be gone after it has said that it stops (5 s). */
const END_TIMEOUT_MS = 5_000;

/** What is to be said, and how the program ends. */
interface Result {
  readonly exit: ExitName;
  readonly text: string;
  readonly value: unknown;
}

/** Runs `ctl` with these arguments, and returns its exit code. */
export async function ctl(args: readonly string[], base: SourceBase): Promise<number> {
  const wanted = parseCtlArguments(args);
  const { command, target } = wanted;
  if (command === "list") return await list(wanted.json);
  if (command.name === "help") {
    console.log(`${CTL_USAGE}\n${commandList()}`);
    return EXIT.ok.code;
  }
  if (target?.kind === "ini") await loadGrammars();
  const socket = target === null ? onlySocket : socketOf(target, base);
  const { exit, text, value } = await resultOf({ ...wanted, command }, socket);
  if (wanted.json) console.log(printable(JSON.stringify(value)));
  else if (exit === "ok") console.log(printableLines(text));
  else for (const line of text.split("\n")) console.error(`duwsgi: ${printable(line)}`);
  return EXIT[exit].code;
}

/** A command for one master. */
type Wanted = CtlArguments & { readonly command: Command };

/** Shows all masters. */
async function list(json: boolean): Promise<number> {
  const masters = await runningMasters();
  const text = json ? JSON.stringify(mastersValue(masters)) : mastersText(masters);
  console.log(json ? printable(text) : printableLines(text));
  return EXIT.ok.code;
}

async function onlySocket(): Promise<string> {
  return (await onlyMaster("name one with --pid N, its INI file or its directory")).path;
}

/** With `--json`, what went wrong is an answer like any other. */
async function resultOf(wanted: Wanted, socket: () => Promise<string>): Promise<Result> {
  try {
    return await ask(wanted, await socket());
  } catch (error) {
    if (!wanted.json || !(error instanceof UserError)) throw error;
    return failure(error.exit, error.message);
  }
}

async function ask(wanted: Wanted, path: string): Promise<Result> {
  const { command, argument } = wanted;
  const wait = wanted.wait && hasVerdict(command);
  const limitMs = wanted.timeoutMs ?? (wait ? null : ANSWER_TIMEOUT_MS);
  const channel = new Channel<CommandAnswer, Request>(await connectOperator(path), decodeAnswer);
  const ended = new AbortController();
  try {
    channel.send({ command: command.name, argument, wait });
    if (wait) showProgress(path, ended.signal);
    const answered = lastAnswer(channel, path, wait);
    if (limitMs !== null && !await fulfilledWithin(answered, limitMs)) {
      const more = wait ? ": it goes on without you" : "";
      return failure("timeout", `No answer to ${command.name} within ${limitMs / 1000} s${more}`);
    }
    return await answered;
  } finally {
    ended.abort();
    channel.close();
  }
}

async function lastAnswer(
  channel: Channel<CommandAnswer, Request>,
  path: string,
  wait: boolean,
): Promise<Result> {
  let accepted: Extract<CommandAnswer, { readonly type: "accepted" }> | null = null;
  for await (const answer of channel.receive()) {
    switch (answer.type) {
      case "error":
        return failure("configuration", answer.text);
      case "result":
        return { exit: "ok", text: answer.text, value: answer.value };
      case "accepted":
        accepted = answer;
        if (wait) continue;
        return { exit: "ok", text: answer.text, value: { outcome: "accepted", text: answer.text } };
      case "verdict":
        if (answer.stops) await endOf(accepted?.pid ?? null);
        return resultOfVerdict(answer.verdict);
    }
  }
  const followed = accepted !== null && exists(`/proc/${accepted.pid}`)
    ? await followMaster(path, accepted.generation)
    : null;
  if (followed === null) throw unreachable("The master went away before it answered");
  return resultOfVerdict(followed);
}

/** The master has said its last word: what comes next may need its sockets and files. */
async function endOf(pid: number | null): Promise<void> {
  const deadline = performance.now() + END_TIMEOUT_MS;
  while (pid !== null && exists(`/proc/${pid}`) && performance.now() < deadline) await pause(20);
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function failure(exit: ExitName, text: string): Result {
  return { exit, text, value: { outcome: exit, text } };
}

const EXIT_OF_OUTCOME: Readonly<Record<Verdict["outcome"], ExitName>> = {
  "done": "ok",
  "rolled-back": "rolledBack",
  "failed": "failed",
  "cancelled": "cancelled",
};

/** A verdict for people and for machines. */
export function resultOfVerdict(verdict: Verdict): Result {
  const changes = verdict.slots.flatMap(({ slot, oldPid, newPid }) =>
    oldPid === newPid ? [] : [`  slot ${slot}: pid ${oldPid ?? "none"} → ${newPid ?? "none"}`]
  );
  const reasons = verdict.failures.flatMap(({ slot, why }) =>
    verdict.text.includes(why) ? [] : [printable(`  slot ${slot} ${why}`)]
  );
  const failures = verdict.failures.map((one) => ({ ...one, ...placeIn(one.why) }));
  return {
    exit: EXIT_OF_OUTCOME[verdict.outcome],
    text: [printable(verdict.text), ...reasons, ...changes].join("\n"),
    value: { ...verdict, failures },
  };
}

/** Where an error is, if its line says so: `… (/srv/app.ts:3:41)`. */
function placeIn(text: string): { readonly file?: string; readonly line?: number } {
  const [, file, line] = /\(((?:file:\/\/)?\/[^()]*?):(\d+)(?::\d+)?\)/.exec(text) ?? [];
  return file === undefined ? {} : { file: file.replace("file://", ""), line: Number(line) };
}
