/**
 * `duwsgi top`: shows what an instance is doing, live or once.
 *
 * @module
 */

import { printable } from "../../foreign_text.ts";
import { loadGrammars } from "../../config/kinds/line_reader.ts";
import { isTerminal } from "../../top/terminal.ts";
import { lookAt, lookTwice, runLive } from "../../top/live.ts";
import { reportText, reportValue } from "../../top/report.ts";
import { painted, plainText, type ScreenLine } from "../../top/text.ts";
import { addressSource, type InstanceSource } from "../../top/source.ts";
import type { SourceBase } from "../../instance/config_source.ts";
import { pause } from "../../system/timing.ts";
import { EXIT, UserError } from "../../errors.ts";
import { unreachable } from "./find_master.ts";
import type { Target } from "./client_arguments.ts";
import { askOperator } from "./operator_call.ts";
import { addressesFromIni, socketOf } from "./operator_socket.ts";
import { onlyMaster } from "./running_masters.ts";
import {
  parseTopArguments,
  TOP_USAGE,
  type TopArguments,
  type TopTarget,
} from "./top_arguments.ts";
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
    const paint = (line: ScreenLine) => painted(line, colours);
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

/** How else an instance is named. */
const ADVICE = "name one with --pid N, its INI file, or the address of its stats server";

/** Where figures come from, and the operators' socket of the master, if it is known. */
interface View {
  readonly source: InstanceSource;
  readonly socket: (() => Promise<string>) | null;
}

async function viewOf(place: TopTarget, base: SourceBase): Promise<View> {
  if (place === null) {
    const { path } = await onlyMaster(ADVICE);
    return operatorView("this machine", () => Promise.resolve(path));
  }
  if (place.kind === "ini") await loadGrammars();
  if (place.kind !== "address") return viewOfTarget(place, base);
  // A pidfile is no socket, so there is no doubt which of them a path is.
  if (isFile(place.text)) return viewOfTarget({ kind: "pidfile", path: place.text }, base);
  if (isDirectory(place.text)) return viewOfTarget({ kind: "directory", path: place.text }, base);
  return { source: addressSource(place.text), socket: null };
}

function viewOfTarget(target: Target, base: SourceBase): View {
  if (target.kind === "ini") {
    const { controlSocket, pidfile, stats } = addressesFromIni(target.path, base);
    if (controlSocket === null && pidfile === null && stats !== null) {
      return { source: addressSource(stats), socket: null };
    }
  }
  const name = target.kind === "pid" ? `pid ${target.pid}` : target.path;
  return operatorView(name, socketOf(target, base));
}

/** The master itself says what its stats server would say. */
function operatorView(name: string, socket: () => Promise<string>): View {
  const fetch = async () => {
    const answer = await askOperator(await socket(), "stats");
    if (answer.type === "result") return answer.value;
    throw unreachable(
      `No stats from the master of ${name}: ${answer.type === "error" ? answer.text : answer.type}`,
    );
  };
  return { source: { name, host: null, fetch }, socket };
}

function isFile(path: string): boolean {
  return kindOf(path)?.isFile ?? false;
}

function isDirectory(path: string): boolean {
  return kindOf(path)?.isDirectory ?? false;
}

function kindOf(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch {
    return null;
  }
}
