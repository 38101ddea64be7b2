/**
 * Makes a `Config` of entries: reads each value by the row of its option, fills in defaults, and
 * checks what no option can check by itself.
 *
 * @module
 */

import { excerpt } from "../foreign_text.ts";
import { formatAddress, parseAddress } from "../system/sockets/address.ts";
import type { Config } from "./config.ts";
import type { Entry } from "./ini/entry.ts";
import { checkLog } from "./checks/log_rules.ts";
import { checkMetrics } from "./checks/metric_rules.ts";
import { nearestName } from "../nearest_name.ts";
import { UnexpectedValue } from "./kinds/option_kind.ts";
import { allNames, findOptionKey, findRow, OPTION_KEYS, OPTIONS } from "./options.ts";
import type { OptionSpec } from "./kinds/option_spec.ts";
import { hooksNotNeeded } from "./options/hooks.ts";
import { formatOrigin, type Problems } from "./problem.ts";
import { withProtocol } from "./options/proxy.ts";
import { requestLogSettings } from "./request_log.ts";
import { checkScaling, type FindEntry } from "./checks/scaling_rules.ts";
import { NOT_NEEDED, uwsgiOptions } from "./options/uwsgi_options.ts";
import type { Origin, SocketSpec } from "./origin.ts";
import { checkDenoFlags, checkPermissions } from "./checks/permission_rules.ts";

/** A configuration in the making. */
type Draft = { -readonly [K in keyof Config]: Config[K] };

/** What else than the entries matters. */
export interface ResolveContext {
  /** Names that were used as `%(name)`: unknown ones among them are placeholders, not typos. */
  readonly used: ReadonlySet<string>;
  /** Whether files are missing, so that nothing is said about options that may be in them. */
  readonly incomplete: boolean;
  /** Whether a service manager passed sockets, so that none have to be configured. */
  readonly socketsPassed: boolean;
  /** What to attribute missing options to. */
  readonly origin: Origin;
}

/** The values of entries. Of scalars the last use counts, lists have them all. */
export function resolveEntries(
  entries: readonly Entry[],
  circumstances: ResolveContext,
  problems: Problems,
): Config {
  const draft: Draft = defaults();
  const unknown: Entry[] = [];
  let readable = true;
  for (const entry of entries) {
    if (entry.placeholder) continue;
    const key = findOptionKey(entry.key);
    if (key === undefined) unknown.push(entry);
    else readable = readInto(draft, key, entry, problems) && readable;
  }
  reportAllUnknown(unknown, draft.strict, circumstances.used, problems);
  draft.sockets = withProtocol(draft.sockets, draft.protocol);
  checkSockets(draft.sockets, problems);
  if (!circumstances.incomplete) checkPresence(entries, circumstances, problems);
  // What options say together would be judged with a default in the place of what was meant.
  if (!readable) return Object.freeze(draft);
  if (!circumstances.incomplete && !circumstances.socketsPassed) checkSocketMap(draft, problems);
  checkLifetimes(entries, draft, problems);
  checkMetrics(draft, problems);
  const find = (key: keyof Config) => lastUse(entries, key);
  checkPermissions(draft, find, problems);
  const flagEntry = (flag: string) =>
    entries.findLast(({ key, value }) => findOptionKey(key) === "denoFlags" && value === flag);
  checkDenoFlags(draft, flagEntry, problems);
  warnAboutNoEffect(find, draft, problems);
  checkLog(draft, find, problems);
  if (!circumstances.incomplete) checkScaling(draft, find, problems);
  return Object.freeze(draft);
}

/** The configuration of nobody: every option at its default. */
export function defaults(): Config {
  const draft: Partial<Draft> = {};
  const fill = <K extends keyof Config>(key: K) => draft[key] = OPTIONS[key].default;
  for (const key of OPTION_KEYS) fill(key);
  return draft as Draft;
}

/** Reads one value; false: it is none, which is reported. */
function readInto<K extends keyof Config>(
  draft: Draft,
  key: K,
  { key: name, value, origin, fromFile = false }: Entry,
  problems: Problems,
): boolean {
  const spec: OptionSpec<Config[K]> = OPTIONS[key];
  try {
    if (value?.includes("\0")) throw new SyntaxError("cannot have a NUL character in its value");
    draft[key] = spec.kind.add(draft[key], { name, value, origin });
    return true;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const reason = fromFile ? discreet(error) : error.message;
    problems.error(origin, `"${name}" at ${formatOrigin(origin)} ${reason}`);
    return false;
  }
}

/** What is wrong with a value from a file: it may be a secret, and the log is read by others. */
function discreet(error: SyntaxError): string {
  const what = error instanceof UnexpectedValue ? error.discreet : "cannot be used as it is";
  return `${what}; what it has is not shown, because it comes from a file`;
}

/** So many unknown names are told, each with the nearest one that there is. */
const MOST_UNKNOWN = 50;

/** Each name once for each line: loops can repeat a line very often. */
function reportAllUnknown(
  unknown: readonly Entry[],
  strict: boolean,
  used: ReadonlySet<string>,
  problems: Problems,
): void {
  const told = new Map<string, Set<string>>();
  for (const entry of unknown) {
    const places = told.get(entry.key) ?? new Set();
    const place = formatOrigin(entry.origin);
    if (places.has(place)) continue;
    if (!told.has(entry.key) && told.size >= MOST_UNKNOWN) {
      const text = `From ${place} on there are more unknown options, which are not looked at`;
      if (strict) problems.error(entry.origin, text);
      else problems.warning(entry.origin, text);
      return;
    }
    told.set(entry.key, places.add(place));
    reportUnknown(entry, strict, used, problems);
  }
}

function reportUnknown(
  { key, value, origin, fromFile = false }: Entry,
  strict: boolean,
  used: ReadonlySet<string>,
  problems: Problems,
): void {
  const where = formatOrigin(origin);
  const shown = key.length > 80 ? `${key.slice(0, 80)}…` : key;
  const row = findRow(key);
  if (row !== undefined) {
    // uWSGI shows the configuration and goes on, so files of containers have it.
    if (row.name === "show-config") {
      const text = `"${shown}" at ${where} has no effect: use --show-config on the command line`;
      return problems.warning(origin, text);
    }
    const advice = row.group === "Commands"
      ? `is a command: use --${key} on the command line`
      : "cannot be used here";
    return problems.error(origin, `"${shown}" at ${where} ${advice}`);
  }
  const hint = uwsgiOptions().get(key);
  const isNeeded = hint === undefined || !hint.startsWith(NOT_NEEDED);
  const report = strict && isNeeded
    ? problems.error.bind(problems)
    : problems.warning.bind(problems);
  if (hint !== undefined) {
    const advice = strict ? "remove it, or set strict = false to go on without it" : "remove it";
    const more = hint === "" ? advice : hint;
    return report(origin, `"${shown}" at ${where} is a uWSGI option that duwsgi lacks: ${more}`);
  }
  if (used.has(key)) {
    if (!strict) return;
    const advice = `to define %(${shown}) write set-placeholder = ${shown}=${
      fromFile ? "VALUE" : excerpt(value ?? "", 80)
    }`;
    return report(origin, `Unknown option "${shown}" at ${where}: ${advice}`);
  }
  report(origin, `Unknown option "${shown}" at ${where}: ${nextOption(key)}`);
}

/** What to write instead of a name that there is not. */
function nextOption(key: string): string {
  const [name = "", ...words] = key.split(/\s+/);
  if (words.length > 0 && findRow(name) !== undefined) {
    return `a value needs "=", as in ${name} = ${excerpt(words.join(" "), 80)}`;
  }
  const nearest = nearestName(key, allNames());
  return nearest === null ? "see --help for all options" : `did you mean "${nearest}"?`;
}

function checkSockets(sockets: readonly SocketSpec[], problems: Problems): void {
  const seen = new Map<string, Origin>();
  for (const { text, origin } of sockets) {
    const address = parseAddress(text);
    if (address.kind === "tcp" && address.port === 0) continue;
    const canonical = formatAddress(
      address.kind === "tcp" && address.host === "" ? { ...address, host: "0.0.0.0" } : address,
    );
    const first = seen.get(canonical);
    if (first === undefined) {
      seen.set(canonical, origin);
    } else {
      problems.error(
        origin,
        `The address "${text}" at ${formatOrigin(origin)} is already configured at ` +
          `${formatOrigin(first)}: remove one of the two`,
      );
    }
  }
}

/** Each line of `socket-map` names a socket that there is, and no port is there twice. */
function checkSocketMap(
  { sockets, socketMap }: Draft,
  problems: Problems,
): void {
  const seen = new Map<number | string, string>();
  for (const { asked, socket, origin } of socketMap) {
    const where = formatOrigin(origin);
    const first = seen.get(asked);
    if (first !== undefined) {
      problems.error(
        origin,
        `"socket-map" at ${where} maps ${asked} again, after ${first}: remove one of the two`,
      );
    }
    seen.set(asked, where);
    if (sockets.length === 0 || socket < sockets.length) continue;
    const last = sockets.length - 1;
    problems.error(
      origin,
      `"socket-map" at ${where} names socket ${socket}, but the last one is ${last}: they are counted from 0`,
    );
  }
}

/** A worker that may not leave before it must is neither. */
function checkLifetimes(entries: readonly Entry[], draft: Draft, problems: Problems): void {
  const { minWorkerLifetimeMs: min, maxWorkerLifetimeMs: max } = draft;
  if (max === 0 || min < max) return;
  const entry = lastUse(entries, "maxWorkerLifetimeMs");
  if (entry === undefined) return;
  const { key, origin } = entry;
  problems.error(
    origin,
    `"${key}" at ${formatOrigin(origin)} is ${max / 1000} seconds, but must be more than ` +
      `min-worker-lifetime, which is ${min / 1000}${whereSet(entries, "minWorkerLifetimeMs")}`,
  );
}

function whereSet(entries: readonly Entry[], key: keyof Config): string {
  const entry = lastUse(entries, key);
  return entry === undefined ? " unless it is set" : ` at ${formatOrigin(entry.origin)}`;
}

/** The use of an option that counts. */
function lastUse(entries: readonly Entry[], key: keyof Config): Entry | undefined {
  return entries.findLast((one) => !one.placeholder && findOptionKey(one.key) === key);
}

function checkPresence(
  entries: readonly Entry[],
  { origin, socketsPassed }: ResolveContext,
  problems: Problems,
): void {
  const missing = (key: keyof Config) => !entries.some((entry) => findOptionKey(entry.key) === key);
  if (entries.length === 0) {
    return problems.error(
      origin,
      "There is no configuration: name an INI file, as in duwsgi app.ini, or see --help",
    );
  }
  if (missing("script")) {
    problems.error(
      origin,
      `There is no script to run in ${origin.file}: add deno-worker-override = script.ts`,
    );
  }
  if (missing("sockets") && !socketsPassed) {
    problems.error(
      origin,
      `There is no address to listen on in ${origin.file}: add http-socket = :8080`,
    );
  }
}

/** Options that are accepted for uWSGI's sake are not to be silently contradicted. */
function warnAboutNoEffect(find: FindEntry, draft: Config, problems: Problems): void {
  const warn = (key: keyof Config, message: string) => {
    const entry = find(key);
    if (entry === undefined) return;
    problems.warning(entry.origin, `"${entry.key}" at ${formatOrigin(entry.origin)} ${message}`);
  };
  if (!draft.master) warn("master", "has no effect: duwsgi always has a master");
  for (const { option, text, origin } of hooksNotNeeded(draft)) {
    const what = `"${option}" at ${formatOrigin(origin)} has no effect`;
    problems.warning(origin, `${what}: "${text}" is not needed, SIGTERM and SIGINT stop in order`);
  }
  if (!draft.dieOnTerm) warn("dieOnTerm", "has no effect: SIGTERM always stops duwsgi");
  if (draft.metricsDirRestore && draft.metricsDir === "") {
    warn("metricsDirRestore", "has no effect without metrics-dir");
  }
  if (requestLogSettings(draft) === null) {
    for (const key of ["logMicros", "logXForwardedFor", "memoryReport"] as const) {
      if (draft[key]) warn(key, "has no effect: there is no request log without log-requests");
    }
  }
}
