/**
 * The lines of `stats-push` and `carbon`: where the figures of an instance are sent, and how.
 *
 * @module
 */

import { parseAddress, type TcpAddress } from "../../system/sockets/address.ts";
import { keyValues, wholeNumber } from "./key_values.ts";
import { nearestName } from "../../nearest_name.ts";
import type { OptionLine } from "../origin.ts";

/** Where and how. */
export type PusherTarget =
  | {
    /** `statsd`: its datagrams; `socket`: datagrams of one metric each, as uWSGI has them. */
    readonly type: "statsd" | "socket";
    readonly host: string;
    readonly port: number;
    /** What comes before each name, without the dot between them; empty: nothing. */
    readonly prefix: string;
  }
  | {
    /** The whole document as JSON, at the end of a file. */
    readonly type: "file";
    readonly path: string;
    /** What comes behind each document. */
    readonly separator: string;
    /** Seconds between two; null: as the others. */
    readonly freq: number | null;
  }
  | {
    /** Lines for Graphite. */
    readonly type: "carbon";
    readonly host: string;
    readonly port: number;
  };

/** A pusher as it was written. */
export interface PusherLine extends OptionLine {
  /** Where to, and how. */
  readonly target: PusherTarget;
}

const FILE_KEYS = { path: "path", separator: "separator", freq: "freq" } as const;

/** The pushers of `stats-push` by name. */
const PUSHERS: Readonly<Record<string, (argument: string) => PusherTarget>> = {
  statsd: (argument) => datagrams("statsd", argument),
  socket: (argument) => datagrams("socket", argument),
  file,
};

/** Pushers of uWSGI that are not among them, and what to do instead. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  carbon: "use the option carbon = host:port",
  mongodb: "use file, and a program that reads it",
  rrdtool: "use carbon, or metrics-http",
  zabbix: "use metrics-http, which Zabbix can read",
};

/**
 * Reads a line of `stats-push`.
 *
 * @throws {SyntaxError} If it is malformed; the message continues a sentence that names the option.
 */
export function parsePusherLine(line: OptionLine): PusherLine {
  const [, name = "", argument = ""] = /^([^:]*):?([^]*)$/.exec(line.text) ?? [];
  const read = Object.hasOwn(PUSHERS, name) ? PUSHERS[name] : undefined;
  if (read === undefined) throw new SyntaxError(unknown(name));
  return { ...line, target: read(argument) };
}

/**
 * Reads a line of `carbon`.
 *
 * @throws {SyntaxError} If it is malformed; the message continues a sentence that names the option.
 */
export function parseCarbonLine(line: OptionLine): PusherLine {
  const { host, port } = receiver("host:port", line.text);
  return { ...line, target: { type: "carbon", host, port } };
}

function unknown(name: string): string {
  const known = Object.keys(PUSHERS);
  const elsewhere = Object.hasOwn(ELSEWHERE, name) ? ELSEWHERE[name] : undefined;
  const nearest = nearestName(name, known);
  const advice = elsewhere ?? (nearest === null ? null : `did you mean "${nearest}"?`);
  const text = `has an unknown pusher "${name}", there are ${known.join(", ")}`;
  return advice === null ? text : `${text}: ${advice}`;
}

function datagrams(type: "statsd" | "socket", argument: string): PusherTarget {
  const [address = "", ...rest] = argument.split(",");
  const prefix = rest.join(",");
  if (/[\s:|@#]/.test(prefix)) {
    throw new SyntaxError(`has a prefix "${prefix}" with a space or one of : | @ # in it`);
  }
  return { type, ...receiver(`${type}:HOST:PORT[,PREFIX]`, address), prefix };
}

function receiver(form: string, text: string): Pick<TcpAddress, "host" | "port"> {
  const address = readAddress(form, text);
  if (address.kind !== "tcp" || address.host === "" || address.port === 0) {
    throw new SyntaxError(`expects ${form}, with a host and a port, not "${text}"`);
  }
  const { host, port } = address;
  return { host, port };
}

function readAddress(form: string, text: string): ReturnType<typeof parseAddress> {
  try {
    return parseAddress(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new SyntaxError(`expects ${form}. ${error.message}`, { cause: error });
  }
}

function file(argument: string): PusherTarget {
  const values = keyValues(argument, FILE_KEYS);
  const freq = values.get("freq");
  const path = values.get("path") ?? "uwsgi.stats";
  if (path === "") throw new SyntaxError("has no path: write file:path=stats.json");
  return {
    type: "file",
    path,
    separator: values.get("separator")?.replaceAll("\\n", "\n") ?? "\n\n",
    freq: freq === undefined ? null : wholeNumber("freq", freq, 1, 86_400),
  };
}
