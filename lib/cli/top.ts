/**
 * `duwsgi top`: shows what an instance is doing, live or once.
 *
 * @module
 */

import { printable } from "../foreign_text.ts";
import { loadGrammars } from "../config/line_reader.ts";
import { isTerminal } from "../top/terminal.ts";
import { lookAt, lookTwice, runLive } from "../top/live.ts";
import { reportText, reportValue } from "../top/report.ts";
import { type Line, painted, plainText } from "../top/text.ts";
import { addressSource, type StatsSource } from "../top/source.ts";
import type { SourceBase } from "../system/config_source.ts";
import { pause } from "../system/timing.ts";
import { EXIT, UserError } from "./exit_code.ts";
import { allOperatorSockets, unreachable } from "./find_master.ts";
import type { Target } from "./operator_arguments.ts";
import { askOperator, socketOf, waysOfIni } from "./operator_socket.ts";
import { parseTopArguments, type Place, TOP_USAGE, type TopArguments } from "./top_arguments.ts";
import { reloadHere } from "./top_reload.ts";

/** Runs `top` with these arguments, and returns its exit code. */
export async function top(args: readonly string[], base: SourceBase): Promise<number> {
  const wanted = parseTopArguments(args);
  if (wanted.help) {
    console.log(TOP_USAGE);
    return EXIT.ok.code;
  }
  try {
    return await show(wanted, base);
  } catch (error) {
    // With --json, what went wrong is an answer like any other, as for ctl.
    if (!wanted.json || !(error instanceof UserError)) throw error;
    console.log(printable(JSON.stringify({ outcome: error.exit, text: error.message })));
    return EXIT[error.exit].code;
  }
}

async function show(wanted: TopArguments, base: SourceBase): Promise<number> {
  const { source, socket } = await viewOf(wanted.place, base);
  const colours = !Deno.noColor;
  if (wanted.json) {
    const { model, document } = await lookTwice(source, wanted.intervalMs);
    console.log(printable(JSON.stringify(reportValue(model, document))));
    return EXIT.ok.code;
  }
  if (wanted.once || !isTerminal()) {
    const { model } = await lookTwice(source, wanted.intervalMs);
    const paint = (line: Line) => painted(line, colours);
    console.log(reportText(model, Date.now(), Deno.stdout.isTerminal() ? paint : plainText));
    return EXIT.ok.code;
  }
  const { model } = await lookAt(source, null);
  const signal = await runLive({
    source,
    intervalMs: wanted.intervalMs,
    colours,
    reload: (stats, command) => reloadHere(stats, command, source, socket),
  }, model);
  if (signal !== null) {
    // Whoever sent it sees that it worked. Nothing listens to it any more.
    Deno.kill(Deno.pid, signal);
    await pause(1000);
  }
  return EXIT.ok.code;
}

/** Where figures come from, and the operators' socket of the master, if it is known. */
interface View {
  readonly source: StatsSource;
  readonly socket: (() => string) | null;
}

async function viewOf(place: Place, base: SourceBase): Promise<View> {
  if (place === null) return operatorView("this machine", await onlySocket());
  if (place.kind === "ini") await loadGrammars();
  if (place.kind !== "address") return viewOfTarget(place, base);
  // A pidfile is no socket, so there is no doubt which of them a path is.
  if (isFile(place.text)) return viewOfTarget({ kind: "pidfile", path: place.text }, base);
  return { source: addressSource(place.text), socket: null };
}

function viewOfTarget(target: Target, base: SourceBase): View {
  if (target.kind === "ini") {
    const { controlSocket, pidfile, stats } = waysOfIni(target.path, base);
    if (controlSocket === null && pidfile === null && stats !== null) {
      return { source: addressSource(stats), socket: null };
    }
  }
  const name = target.kind === "pid" ? `pid ${target.pid}` : target.path;
  return operatorView(name, socketOf(target, base));
}

/** The master itself says what its stats server would say. */
function operatorView(name: string, socket: () => string): View {
  const fetch = async () => {
    const answer = await askOperator(socket(), "stats");
    if (answer.type === "result") return answer.value;
    throw unreachable(
      `No stats from the master of ${name}: ${answer.type === "error" ? answer.text : answer.type}`,
    );
  };
  return { source: { name, host: null, fetch }, socket };
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** The socket of the master on this machine, if there is one only. */
async function onlySocket(): Promise<() => string> {
  const masters = await Promise.all(allOperatorSockets().map(masterAt));
  const [first, ...more] = masters.filter((master) => master !== null);
  const advice = "name one with --pid N, its INI file, or the address of its stats server";
  if (first === undefined) throw unreachable(`No master runs here as this user: ${advice}`);
  if (more.length === 0) return () => first.path;
  const all = [first, ...more].map(({ pid, script }) => `${pid} (${script})`).join(", ");
  throw new UserError("configuration", `Several masters run here: ${advice}; they are ${all}`);
}

interface RunningMaster {
  readonly path: string;
  readonly pid: number;
  readonly script: string;
}

/** Null: it does not answer, so it is none of ours. */
async function masterAt(path: string): Promise<RunningMaster | null> {
  try {
    const answer = await askOperator(path, "status");
    if (answer.type !== "result") return null;
    const { pid, script } = answer.value as RunningMaster;
    return { path, pid, script };
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}
