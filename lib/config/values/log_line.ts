/**
 * The lines of `logger`, `log-encoder`, `log-route` and their siblings.
 *
 * @module
 */

import type { Encoder } from "../../log/encoder.ts";
import { type Address, parseAddress } from "../../system/sockets/address.ts";
import { keyValues } from "./key_values.ts";
import { nearestName } from "../../nearest_name.ts";
import type { OptionLine } from "../origin.ts";

/** Where one `logger` writes. */
export type LoggerTarget =
  /** The master's standard error. */
  | { readonly kind: "stdio" }
  | {
    readonly kind: "file";
    readonly path: string;
    /** Size in bytes that it is rotated at; null: that of `log-maxsize`. */
    readonly maxsize: number | null;
    /** What it is called then; empty: that of `log-backupname`, for a single file, else its own. */
    readonly backupname: string;
  }
  /** Datagrams without any frame. */
  | { readonly kind: "socket"; readonly address: Address }
  /** RFC 5424. */
  | {
    readonly kind: "syslog";
    readonly address: Address;
    readonly transport: "datagram" | "stream";
    /** APP-NAME. */
    readonly tag: string;
    /** Number of the facility. */
    readonly facility: number;
  }
  | { readonly kind: "journal"; readonly path: string; readonly tag: string };

/** One `logger`. */
export interface LoggerLine extends OptionLine {
  /** Its name for `log-route`; empty: none. */
  readonly id: string;
  /** Where it writes. */
  readonly target: LoggerTarget;
}

/** One `log-encoder`. */
export interface EncoderLine extends OptionLine {
  /** How entries look. */
  readonly encoder: Encoder;
  /** The `logger` it is for; empty: all. */
  readonly id: string;
}

/** One `log-route`. */
export interface RouteLine extends OptionLine {
  /** Name of the `logger` that gets what matches. */
  readonly id: string;
  /** Regular expression for the text. */
  readonly pattern: string;
}

const DEFAULT_TAG = "duwsgi";
const SYSLOG_SOCKET = "/dev/log";
const JOURNAL_SOCKET = "/run/systemd/journal/socket";

const LOGGERS = ["file", "stdio", "socket", "syslog", "rsyslog", "systemd"] as const;

/**
 * Reads `[ID] NAME[:ARGUMENTS]`; under the name of a shorthand, such as `log-syslog`, the arguments.
 *
 * @throws {SyntaxError} If it is malformed; the message continues a sentence that names the option.
 */
export function parseLoggerLine(line: OptionLine): LoggerLine {
  const shorthand = /^log-(syslog|socket|systemd)$/.exec(line.option)?.[1];
  const text = shorthand === undefined ? line.text.trim() : `${shorthand}:${line.text.trim()}`;
  const [, id = "", name = "", args = ""] = /^(?:([^\s:]+)\s+)?([^\s:]+)(?::([^]*))?$/.exec(text) ??
    [];
  return { ...line, id, target: loggerTarget(name, args) };
}

function loggerTarget(name: string, args: string): LoggerTarget {
  switch (name) {
    case "stdio":
      return { kind: "stdio" };
    case "file":
      return fileTarget(args);
    case "socket":
      return { kind: "socket", address: target(args) };
    case "syslog":
      return syslogTarget(args);
    case "rsyslog":
      return remoteSyslogTarget(args);
    case "systemd":
    case "journal":
      return journalTarget(args);
  }
  const nearest = nearestName(name, LOGGERS);
  const advice = nearest === null ? `use ${LOGGERS.join(", ")}` : `did you mean "${nearest}"?`;
  throw new SyntaxError(`names no logger "${name}": ${advice}`);
}

const FILE_KEYS = { logfile: "path", maxsize: "maxsize", backupname: "backupname" } as const;

function fileTarget(args: string): LoggerTarget {
  const plain = !/^(logfile|maxsize|backupname)=/.test(args);
  const values = plain ? new Map([["path", args]] as const) : keyValues(args, FILE_KEYS);
  const path = values.get("path") ?? "";
  if (path === "") throw new SyntaxError("needs a file, as in file:/var/log/app.log");
  const maxsize = values.get("maxsize");
  return {
    kind: "file",
    path,
    maxsize: maxsize === undefined ? null : byteCount(maxsize),
    backupname: values.get("backupname") ?? "",
  };
}

const SYSLOG_KEYS = { ident: "ident", facility: "facility", address: "address" } as const;

function syslogTarget(args: string): LoggerTarget {
  const keyed = args.includes("=");
  const [ident, facility] = args.split(",");
  const values = keyed ? keyValues(args, SYSLOG_KEYS) : given({ ident, facility });
  return syslog(values, values.get("address") ?? SYSLOG_SOCKET);
}

/** `ADDRESS[,IDENT]`, or `ADDRESS,FACILITY,IDENT` as in uWSGI, or keys behind the address. */
function remoteSyslogTarget(args: string): LoggerTarget {
  const [address = "", ...rest] = args.split(",");
  const [first, second] = rest;
  const values = rest.join(",").includes("=")
    ? keyValues(rest.join(","), SYSLOG_KEYS)
    : second === undefined
    ? given({ ident: first })
    : given({ ident: second, facility: first });
  return syslog(values, address);
}

type SyslogKey = keyof typeof SYSLOG_KEYS;

function given(
  values: Partial<Record<SyslogKey, string | undefined>>,
): ReadonlyMap<SyslogKey, string> {
  const known = Object.entries(values).flatMap(([key, value]) =>
    value === undefined || value.trim() === "" ? [] : [[key as SyslogKey, value.trim()] as const]
  );
  return new Map(known);
}

function syslog(values: ReadonlyMap<SyslogKey, string>, written: string): LoggerTarget {
  const [, transport = "", address = ""] = /^(?:(tcp|udp):\/\/)?([^]*)$/.exec(written) ?? [];
  const facility = values.get("facility");
  return {
    kind: "syslog",
    address: target(address),
    transport: transport === "tcp" ? "stream" : "datagram",
    tag: values.get("ident") ?? DEFAULT_TAG,
    facility: facilityNumber(facility ?? "daemon"),
  };
}

const JOURNAL_KEYS = { ident: "ident", address: "address" } as const;

function journalTarget(args: string): LoggerTarget {
  const values = args.includes("=")
    ? keyValues(args, JOURNAL_KEYS)
    : new Map(args === "" ? [] : [["ident", args] as const]);
  const path = values.get("address") ?? JOURNAL_SOCKET;
  return { kind: "journal", path, tag: values.get("ident") ?? DEFAULT_TAG };
}

/** An address that something is sent to. */
function target(text: string): Address {
  const address = parsedAddress(text);
  const port = address.kind !== "tcp" || address.port !== 0;
  if (port && address.kind !== "fd" && address.kind !== "passed") return address;
  throw new SyntaxError(`expects an address such as 10.0.0.1:514 or /dev/log, not "${text}"`);
}

function parsedAddress(text: string): Address {
  try {
    return parseAddress(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new SyntaxError(`expects an address. ${error.message}`, { cause: error });
  }
}

/** What `logto` names: a file, or an address that gets datagrams. */
export function parseLogTarget(text: string): Address {
  return parsedAddress(text);
}

const ENCODERS = ["text", "json", "format", "prefix", "suffix", "nl"] as const;

/**
 * Reads `NAME[:LOGGER] [ARGUMENT]`. `json` without an argument is our own object.
 *
 * @throws {SyntaxError} If it is malformed; the message continues a sentence that names the option.
 */
export function parseEncoderLine(line: OptionLine): EncoderLine {
  const [, name = "", id = "", argument = ""] =
    /^([^\s:]+)(?::(\S+))?(?:\s([^]*))?$/.exec(line.text.trimStart()) ?? [];
  const known = ENCODERS.find((one) => one === name);
  if (known === undefined) {
    const nearest = nearestName(name, ENCODERS);
    const error = `expects ${ENCODERS.join(", ")}, not "${name}"`;
    throw new SyntaxError(nearest === null ? error : `${error}: did you mean "${nearest}"?`);
  }
  if (known === "json" && argument === "") {
    return { ...line, id, encoder: { name: "object", argument } };
  }
  const bare = known === "text" || known === "nl";
  if (bare && argument !== "") throw new SyntaxError(`takes nothing behind "${known}"`);
  if (!bare && argument === "") throw new SyntaxError(`needs a text behind "${known}"`);
  return { ...line, id, encoder: { name: known, argument } };
}

/**
 * Reads `ID EXPRESSION`.
 *
 * @throws {SyntaxError} If it is malformed; the message continues a sentence that names the option.
 */
export function parseRouteLine(line: OptionLine): RouteLine {
  const [, id = "", pattern = ""] = /^\s*(\S+)\s+([^]+)$/.exec(line.text) ?? [];
  if (id === "") throw new SyntaxError("expects the name of a logger and a regular expression");
  return { ...line, id, pattern: checkedPattern(pattern) };
}

/** @throws {SyntaxError} If it is no regular expression; the message continues a sentence. */
export function checkedPattern(pattern: string): string {
  try {
    new RegExp(pattern);
    return pattern;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new SyntaxError(`has a regular expression that is none: ${error.message}`, {
      cause: error,
    });
  }
}

/** The facilities of syslog by number (RFC 5424, 6.2.1). */
const FACILITIES = (
  "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock " +
  "local0 local1 local2 local3 local4 local5 local6 local7"
).split(" ");

/**
 * The number of a facility, by name or number.
 *
 * @throws {SyntaxError} If there is none; the message continues a sentence that names the option.
 */
function facilityNumber(text: string): number {
  const number = /^[0-9]{1,2}$/.test(text)
    ? Number(text)
    : FACILITIES.indexOf(text.toLowerCase().replace(/^log_/, ""));
  if (number >= 0 && number < FACILITIES.length) return number;
  const nearest = nearestName(text, FACILITIES);
  const advice = nearest === null
    ? "use daemon, user or local0 to local7"
    : `did you mean "${nearest}"?`;
  throw new SyntaxError(`has an unknown facility "${text}": ${advice}`);
}

const FACTORS: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/**
 * Reads `1048576`, `1024k`, `1m` or `1g`; the letters are powers of 1024, in either case.
 *
 * @throws {SyntaxError} If it is none; the message continues a sentence that names the option.
 */
export function byteCount(text: string): number {
  const [, digits = "", letter = ""] = /^([0-9]{1,15})([kmg]?)$/i.exec(text) ?? [];
  const bytes = Number(digits) * (FACTORS[letter.toLowerCase()] ?? NaN);
  if (digits !== "" && Number.isSafeInteger(bytes)) return bytes;
  throw new SyntaxError(`expects bytes, such as 1048576, 1024k or 1m, not "${text}"`);
}
