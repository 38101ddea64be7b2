/**
 * The lines of `attach-daemon` and its siblings.
 *
 * @module
 */

import { keyValues, wholeNumber } from "./key_values.ts";
import type { OptionLine } from "../origin.ts";

/** A program that runs beside the workers. */
export interface DaemonLine extends OptionLine {
  /** For /bin/sh. */
  readonly command: string;
  /** The file that holds its process id: it outlives the master. Null: it ends with the master. */
  readonly pidfile: string | null;
  /** For one with a pidfile: the master puts it into the background, and writes the file. */
  readonly daemonize: boolean;
  /** Seconds until one that puts itself into the background has written its pidfile. */
  readonly freq: number;
  /** The instance stops when it ends. */
  readonly control: boolean;
  /** What asks it to end. */
  readonly stopSignal: Deno.Signal;
  /** What it gets when the configuration was read again; null: nothing. */
  readonly reloadSignal: Deno.Signal | null;
  /** Files whose change ends it, so that it is started anew. */
  readonly touch: readonly string[];
  /** Name or number of its user; empty: the master's. */
  readonly uid: string;
  /** Name or number of its group; empty: the master's. */
  readonly gid: string;
  /** Its directory; empty: the master's. */
  readonly chdir: string;
  /** Longest pause before it is started again, in milliseconds; null: the one of workers. */
  readonly maxThrottleMs: number | null;
}

const KEYS = {
  command: "command",
  cmd: "command",
  exec: "command",
  pidfile: "pidfile",
  freq: "freq",
  control: "control",
  daemonize: "daemonize",
  daemon: "daemonize",
  touch: "touch",
  stopsignal: "stopsignal",
  stop_signal: "stopsignal",
  reloadsignal: "reloadsignal",
  reload_signal: "reloadsignal",
  uid: "uid",
  gid: "gid",
  chdir: "chdir",
  max_throttle: "max_throttle",
} as const;

const DEFAULT_FREQ = 10;

/**
 * Reads the value of one of the five options.
 *
 * @throws {SyntaxError} If it is malformed; the message continues a sentence that names the option.
 */
export function parseDaemonLine(line: OptionLine): DaemonLine {
  const plain: DaemonLine = {
    ...line,
    command: line.text.trim(),
    pidfile: null,
    daemonize: false,
    freq: DEFAULT_FREQ,
    control: line.option === "attach-control-daemon",
    stopSignal: "SIGTERM",
    reloadSignal: null,
    touch: [],
    uid: "",
    gid: "",
    chdir: "",
    maxThrottleMs: null,
  };
  if (line.option === "attach-daemon2") return keyed(plain);
  if (line.option.startsWith("smart-")) return smart(plain);
  if (plain.command === "") throw new SyntaxError("needs a command");
  return plain;
}

function smart(plain: DaemonLine): DaemonLine {
  const match = /^\s*([^\s,]+)(?:,(\S+))?\s+([^]+)$/.exec(plain.text);
  if (match === null) {
    throw new SyntaxError(
      'expects "PIDFILE[,SECONDS] COMMAND", such as "/run/x.pid ./x --daemonize"',
    );
  }
  const [, pidfile = "", freq, command = ""] = match;
  return {
    ...plain,
    command: command.trim(),
    pidfile,
    freq: freq === undefined ? DEFAULT_FREQ : wholeNumber("the seconds", freq, 1, 3600),
    daemonize: plain.option === "smart-attach-daemon2",
  };
}

function keyed(plain: DaemonLine): DaemonLine {
  const values = keyValues(plain.text, KEYS);
  const command = values.get("command")?.trim() ?? "";
  if (command === "") throw new SyntaxError('needs a command, as in "cmd=./x,stopsignal=2"');
  const throttle = values.get("max_throttle");
  const reloadSignal = values.get("reloadsignal");
  const daemon: DaemonLine = {
    ...plain,
    command,
    pidfile: values.get("pidfile") ?? null,
    daemonize: isSet("daemonize", values.get("daemonize")),
    freq: wholeNumber("freq", values.get("freq") ?? String(DEFAULT_FREQ), 1, 3600),
    control: isSet("control", values.get("control")),
    stopSignal: signalOf("stopsignal", values.get("stopsignal") ?? "15"),
    reloadSignal: reloadSignal === undefined ? null : signalOf("reloadsignal", reloadSignal),
    touch: values.get("touch")?.split(";").filter((path) => path !== "") ?? [],
    uid: values.get("uid") ?? "",
    gid: values.get("gid") ?? "",
    chdir: values.get("chdir") ?? "",
    maxThrottleMs: throttle === undefined
      ? null
      : wholeNumber("max_throttle", throttle, 1, 3600) * 1000,
  };
  if (daemon.daemonize && daemon.pidfile === null) {
    throw new SyntaxError('needs a pidfile beside "daemonize", to find the process again');
  }
  if (daemon.control && daemon.pidfile !== null) {
    throw new SyntaxError(
      'cannot have "control" beside a pidfile: what outlives the instance does not end it',
    );
  }
  return daemon;
}

function isSet(key: string, text: string | undefined): boolean {
  return wholeNumber(key, text ?? "0", 0, 1) === 1;
}

/** The signals that ask a program for something, by their numbers on Linux (signal(7)). */
const SIGNALS: ReadonlyMap<number, Deno.Signal> = new Map([
  [1, "SIGHUP"],
  [2, "SIGINT"],
  [3, "SIGQUIT"],
  [9, "SIGKILL"],
  [10, "SIGUSR1"],
  [12, "SIGUSR2"],
  [14, "SIGALRM"],
  [15, "SIGTERM"],
  [18, "SIGCONT"],
  [28, "SIGWINCH"],
]);

/** A signal by number or name, with or without `SIG`. */
function signalOf(key: string, text: string): Deno.Signal {
  const name = text.toUpperCase().replace(/^(SIG)?/, "SIG");
  const signal = SIGNALS.get(Number(text)) ?? [...SIGNALS.values()].find((one) => one === name);
  if (signal !== undefined) return signal;
  const names = [...SIGNALS].map(([number, one]) => `${number} (${one})`).join(", ");
  throw new SyntaxError(`expects a signal for ${key}, not "${text}": one of ${names}`);
}
