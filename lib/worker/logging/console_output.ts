/**
 * Runs in the worker. What `console` writes with: Deno's own throws when its line cannot be written,
 * and a full disk of the log must not cost a request.
 *
 * @module
 */

import { stderrLines } from "../../system/files/line_writer.ts";
import { headOf } from "./line_sinks.ts";
import { instanceAccess } from "../instance.ts";

const currentInstance = instanceAccess();

/** Takes what one call of `console` prints, without its last newline. */
export type ConsolePrinter = (text: string, level: ConsoleLevel) => void;

/** As Deno numbers them: debug, info, warning, error. */
export type ConsoleLevel = 0 | 1 | 2 | 3;

/** By the number of {@linkcode ConsoleLevel}. */
export const LEVELS = ["debug", "info", "warning", "error"] as const;

type Print = (text: string, level: number) => void;

/** What Deno keeps for itself, as far as it is needed here. */
interface Internals {
  readonly Console: new (print: Print) => object;
  readonly core: {
    readonly callConsole?: (this: object, inspected: unknown, own: unknown) => void;
    readonly v8Console?: object;
  };
}

/**
 * Has `console` print with this. Its methods, groups, counters and formats stay Deno's, and an inspector
 * still sees every call. With a Deno that keeps its console to itself, nothing changes.
 */
export function printConsoleWith(print: ConsolePrinter): void {
  const internals: unknown = Reflect.get(Deno, Reflect.get(Deno, "internal"));
  if (!isInternals(internals)) return;
  let begun = "";
  const own = new internals.Console((text, level) => {
    begun += text;
    // `console.trace()` prints its newline in a second call.
    if (!begun.endsWith("\n")) return;
    const line = begun.slice(0, -1);
    begun = "";
    print(line, levelOf(level));
  });
  const { callConsole, v8Console = {} } = internals.core;
  for (const [name, method] of Object.entries(own)) {
    const inspected: unknown = Reflect.get(v8Console, name);
    const both = callConsole !== undefined && typeof inspected === "function" &&
      typeof method === "function";
    const called = both ? callConsole.bind(own, inspected, method) : method;
    if (both) Object.defineProperty(called, "name", { value: name });
    Reflect.set(console, name, called);
  }
}

function isInternals(value: unknown): value is Internals {
  return typeof value === "object" && value !== null && "Console" in value && "core" in value &&
    typeof value.Console === "function" && typeof value.core === "object" && value.core !== null;
}

function levelOf(level: number): ConsoleLevel {
  if (level >= 3) return 3;
  return level === 2 ? 2 : level === 0 ? 0 : 1;
}

let writers: readonly ((text: string) => boolean)[] | null = null;

/**
 * Has `console` print where it always does, and drop and count what cannot be written, from its first
 * use on: a worker that prints nothing while it starts does not wait for a new console to be made.
 */
export function keepConsoleFromThrowing(): void {
  const original = Object.getOwnPropertyDescriptor(globalThis, "console");
  if (original?.configurable !== true) return keepFromThrowing();
  const restore = (value: unknown = original.value) =>
    Object.defineProperty(globalThis, "console", { ...original, value });
  Object.defineProperty(globalThis, "console", {
    configurable: true,
    enumerable: original.enumerable ?? false,
    get: () => {
      restore();
      keepFromThrowing();
      return console;
    },
    set: restore,
  });
}

function keepFromThrowing(): void {
  const { operations, processRow } = currentInstance();
  const lost = processRow.counter("logLinesLost");
  printConsoleWith((text, level) => {
    writers ??= (["stdout", "stderr"] as const).map((to, i) =>
      operations?.lines(to).line ?? stderrLines(null, null, { fd: i + 1 })
    );
    const toError = level > 1;
    const write = writers[toError ? 1 : 0];
    if (write?.(toError && !errorIsLog ? text : headOf(LEVELS[level]) + text) === false) lost();
  });
}

/** False: it goes through the master, which puts the head before its lines. */
let errorIsLog = false;

/**
 * Standard error is another file from now on.
 *
 * @param isLog True if it is the log of the instance.
 */
export function lookAtOutputAgain(isLog = errorIsLog): void {
  writers = null;
  errorIsLog = isLog;
}
