/**
 * The option table: one row for each key of {@linkcode Config}, one for each directive of the INI
 * dialect and one for each command. Parsing, validation, defaults, help, the reference in
 * `docs/options.md` and what a reload does are all derived from these rows and nothing else.
 *
 * @module
 */

import { CONDITIONS } from "./conditions.ts";
import type { Config } from "./config.ts";
import { LOOPS } from "./loops.ts";
import * as kind from "./kinds/option_kind.ts";
import { type NamedRow, namesOf } from "./kinds/option_row.ts";
import { socketList } from "./kinds/socket_kind.ts";
import type { OptionRows } from "./kinds/option_spec.ts";
import { APPS_OPTIONS } from "./options/apps.ts";
import { CONTROL_OPTIONS } from "./options/control.ts";
import { LIMIT_OPTIONS } from "./options/limits.ts";
import { LOG_FILE_OPTIONS } from "./options/log_file.ts";
import { LOG_TARGET_OPTIONS } from "./options/log_targets.ts";
import { METRICS_OPTIONS } from "./options/metrics.ts";
import { PERMISSION_OPTIONS } from "./options/permissions.ts";
import { PROCESS_OPTIONS } from "./options/process.ts";
import { CLIENT_OPTIONS } from "./options/clients.ts";
import { COMPANION_OPTIONS } from "./options/companions.ts";
import { EXPORT_OPTIONS } from "./options/exporting.ts";
import { HOOK_OPTIONS } from "./options/hooks.ts";
import { REQUEST_LOG_OPTIONS } from "./options/request_log.ts";
import { PROXY_OPTIONS } from "./options/proxy.ts";
import { RELOAD_OPTIONS } from "./options/reloading.ts";
import { RESPAWN_OPTIONS } from "./options/respawn.ts";
import { SCALING_OPTIONS } from "./options/scaling.ts";
import { STATS_OPTIONS } from "./options/stats.ts";

/** The options, in the order of the reference. */
export const OPTIONS: OptionRows<Config> = {
  script: {
    name: "deno-worker-override",
    aliases: ["worker-override"],
    short: "",
    group: "Workers",
    argument: "FILE",
    kind: kind.path,
    default: "",
    defaultText: "none; it is required",
    onChange: "workers",
    help: "Script that each worker runs as its main module",
    details:
      "The counterpart of uWSGI's `python-worker-override`. A relative path starts at `chdir`. The " +
      "script is loaded by each worker anew, so a reload runs the code that is on disk then. Of " +
      "several uses the last one counts.",
    example: "deno-worker-override = app.ts",
  },
  processes: {
    name: "processes",
    aliases: ["workers"],
    short: "p",
    group: "Workers",
    argument: "N",
    kind: kind.integer(1, 1024),
    default: 1,
    onChange: "workers",
    help: "Number of workers, from 1 to 1024",
    details: "A number near that of the CPUs (`%k`) suits most programs.",
    example: "processes = %k",
  },
  workerArgv: {
    name: "worker-argv",
    aliases: [],
    short: "",
    group: "Workers",
    argument: "TEXT",
    kind: kind.texts,
    default: [],
    onChange: "workers",
    help: "Argument the script finds in Deno.args, one per use",
    details:
      "The text is passed on as it is: no quotes are removed and nothing is split at spaces.",
    example: "worker-argv = --verbose\nworker-argv = a b",
  },
  denoFlags: {
    name: "deno-flag",
    aliases: [],
    short: "",
    group: "Workers",
    argument: "FLAG",
    kind: kind.denoFlags,
    default: [],
    onChange: "workers",
    help: "Flag for the deno run of each worker, one per use",
    details:
      "A flag with a value is written in one piece, as in `--config=deno.json`, because what follows " +
      "a space would be taken for the script. Flags about permissions, also letters that stand together " +
      "as in `-RNE`, take all others away, as in Deno; workers get what they need to reach the master. " +
      "`--watch` is refused (`auto-reload` does that), and so is `--inspect` with a port that more than " +
      "one worker would need.",
    example: "deno-flag = --allow-net\ndeno-flag = --v8-flags=--max-old-space-size=512",
  },
  env: {
    name: "env",
    aliases: [],
    short: "",
    group: "Workers",
    argument: "NAME=VALUE",
    kind: kind.variables,
    default: [],
    onChange: "workers",
    help: "Environment variable for the workers",
    details:
      "Of two for the same name the later one counts. It is meant for workers: `$(NAME)` and " +
      "`if-env` see the environment of the master only, as in uWSGI.",
    example: "env = DATABASE_URL=postgres://localhost/app",
  },
  startTimeoutMs: {
    name: "start-timeout",
    aliases: [],
    short: "",
    group: "Workers",
    argument: "SECONDS",
    kind: kind.seconds(0.1, 86400),
    default: 60_000,
    onChange: "workers",
    help: "Time a new worker has until it accepts connections",
    details:
      "A worker that has not called `accepting()` by then counts as one that failed to start. A worker " +
      "that accepts no more, because its script has closed the server, or the server has stopped by " +
      "itself, is replaced when clients have waited in its queue for as long. uWSGI " +
      "has nothing like it: there, such a worker stops a chain reload for ever.",
    example: "start-timeout = 10",
  },
  ...RESPAWN_OPTIONS,
  chdir: {
    name: "chdir",
    aliases: [],
    short: "",
    group: "Workers",
    argument: "DIRECTORY",
    kind: kind.path,
    default: "",
    defaultText: "the directory duwsgi is started in",
    onChange: "exec",
    help: "Directory of master and workers; paths in other options start there",
    details:
      "The names of configuration files (`ini`, `include`, `inherit`) and of files in `@(…)` and " +
      "conditions start at the directory duwsgi is started in, whatever `chdir` says. Links in it are " +
      "looked up again by every reload, see [releases behind a link](reloading.md#releases-behind-a-link).",
    example: "chdir = /srv/app/current",
  },
  umask: {
    name: "umask",
    aliases: [],
    short: "",
    group: "Workers",
    argument: "MODE",
    kind: kind.mask,
    default: null,
    defaultText: "inherited",
    onChange: "exec",
    help: "File mode creation mask of master and workers, in octal",
    details: "It decides the mode of Unix sockets, unless `chmod-socket` does. See umask(2).",
    example: "umask = 027",
  },
  master: {
    name: "master",
    aliases: [],
    short: "M",
    group: "Workers",
    argument: "[BOOLEAN]",
    kind: kind.flag,
    default: true,
    onChange: "restart",
    help: "Accepted without effect: there always is a master",
    details: "In uWSGI it is off unless asked for, and an instance without it replaces no workers.",
    example: "master = true",
  },

  sockets: {
    name: "socket",
    aliases: ["http-socket", "http11-socket", "https-socket", "https-socket2", "uwsgi-socket"],
    short: "s",
    group: "Sockets",
    argument: "ADDRESS",
    kind: socketList,
    default: [],
    defaultText: "none; at least one is required",
    onChange: "exec",
    help: "Address to listen on",
    details:
      "Possible are `host:port`, `:port` (all IPv4 addresses), `[::1]:port`, port 0 (a free one is " +
      "chosen and kept until the master ends), the path of a Unix socket, `@name` for an abstract " +
      "one, and `fd://N` for a listening socket inherited from the parent process. Everything with a " +
      "colon is TCP. The order is that of `uwsgi.sockets`.\n\n" +
      "A service manager can open the sockets and pass them (`LISTEN_FDS`, see sd_listen_fds(3) and " +
      "deploy.md). One with the same address as a configured socket is used instead of opening it, " +
      "`fd://NAME` stands for all that have this name, and what is configured nowhere is added. " +
      "Such a socket has one queue for all workers, `listen`, `chmod-socket` and `chown-socket` are " +
      "the service manager's business, and its path is never removed.\n\n" +
      "The servers of the `uwsgi` module speak HTTP on `http-socket` (`http11-socket` is the same), the " +
      "uwsgi protocol on `uwsgi-socket`, and on `socket` what `protocol` says; see nginx.md. What the " +
      "script serves by itself is its own business.\n\n" +
      "`https-socket = ADDRESS,CERTIFICATE,KEY` is served with TLS, HTTP/2 included; the files are PEM. " +
      "`https-socket2` says the same with keys: `addr`, `cert` (or `crt`) and `key`. Unlike in uWSGI, " +
      "ciphers and certificates of clients cannot be asked for. See [TLS](tls.md).\n\n" +
      "Unlike in uWSGI, the name of an abstract socket has no trailing NUL, " +
      "`fd://N` must be a listening socket, and one address cannot be listed twice.",
    example: "socket = /run/app.sock\nhttp-socket = :8080\nhttp-socket = [::1]:8080\n" +
      "https-socket = :8443,/etc/app/fullchain.pem,/etc/app/privkey.pem",
  },
  listen: {
    name: "listen",
    aliases: [],
    short: "l",
    group: "Sockets",
    argument: "N",
    kind: kind.integer(1, 65535),
    default: 100,
    onChange: "workers",
    help: "Length of the queue of connections that wait to be accepted, from 1 to 65535",
    details: "It holds for each listening socket, see listen(2). The kernel does not go beyond " +
      "`net.core.somaxconn`.",
    example: "listen = 1024",
  },
  reusePort: {
    name: "reuse-port",
    aliases: [],
    short: "",
    group: "Sockets",
    argument: "[BOOLEAN]",
    kind: kind.flag,
    default: true,
    onChange: "restart",
    help: "One TCP socket per worker, between which the kernel distributes connections",
    details:
      "Uses SO_REUSEPORT, see socket(7). With `reuse-port = false` all workers accept from one " +
      "socket. Either way the address is the instance's, and clients wait, from the moment on at which " +
      "the master has bound it; a second instance finds it in use. uWSGI has one socket either way; there, the option only lets other programs join.",
    example: "reuse-port = false",
  },
  soKeepalive: {
    name: "so-keepalive",
    aliases: [],
    short: "",
    group: "Sockets",
    argument: "[BOOLEAN]",
    kind: kind.flag,
    default: false,
    onChange: "restart",
    help: "Let the kernel probe idle TCP connections",
    details: "Sets SO_KEEPALIVE, see socket(7), on listening sockets; connections inherit it.",
    example: "so-keepalive = true",
  },
  ...PROXY_OPTIONS,
  chmodSocket: {
    name: "chmod-socket",
    aliases: ["chmod"],
    short: "C",
    group: "Sockets",
    argument: "[MODE]",
    kind: kind.socketMode,
    default: null,
    defaultText: "what the umask leaves",
    onChange: "restart",
    help: "Mode of Unix sockets, in octal; 666 if no mode is given",
    details:
      "Three octal digits, or four; as in uWSGI, no value and `1` mean 666. On the command line the " +
      "mode follows `=` or the letter directly, as in `-C660`.",
    example: "chmod-socket = 660",
  },
  chownSocket: {
    name: "chown-socket",
    aliases: [],
    short: "",
    group: "Sockets",
    argument: "USER[:GROUP]",
    kind: kind.owner,
    default: "",
    defaultText: "unchanged",
    onChange: "restart",
    help: "Owner of Unix sockets, names or numbers",
    details: "Needs the right to change owners, see chown(2).",
    example: "chown-socket = www-data:www-data",
  },
  ...APPS_OPTIONS,
  vacuum: {
    name: "vacuum",
    aliases: [],
    short: "",
    group: "Sockets",
    argument: "[BOOLEAN]",
    kind: kind.flag,
    default: false,
    onChange: "master",
    help: "Remove Unix sockets and pidfiles when the master ends in an orderly way",
    details: "What somebody else has put in their place in the meantime stays.",
    example: "vacuum = true",
  },

  touchChainReload: {
    name: "touch-chain-reload",
    aliases: [],
    short: "",
    group: "Reloading and stopping",
    argument: "FILE",
    kind: kind.paths,
    default: [],
    onChange: "master",
    help: "File whose change replaces the workers one after the other",
    details:
      "Each old worker leaves only when its successor accepts connections. If a successor fails to " +
      "start, the chain ends there and the other workers stay. The file need not exist yet.",
    example: "touch-chain-reload = reload.txt",
  },
  touchReload: {
    name: "touch-reload",
    aliases: [],
    short: "",
    group: "Reloading and stopping",
    argument: "FILE",
    kind: kind.paths,
    default: [],
    onChange: "master",
    help: "File whose change reads the configuration again and replaces all workers",
    details: "The same as the signal SIGHUP. The file need not exist yet.",
    example: "touch-reload = app.ini",
  },
  ...PERMISSION_OPTIONS,
  ...RELOAD_OPTIONS,
  ...CONTROL_OPTIONS,
  workerReloadMercyMs: {
    name: "worker-reload-mercy",
    aliases: [],
    short: "",
    group: "Reloading and stopping",
    argument: "SECONDS",
    kind: kind.seconds(0, 86400),
    default: 60_000,
    onChange: "master",
    help: "Time a worker has to finish its requests before it is killed",
    details: "With 0 it is killed at once.",
    example: "worker-reload-mercy = 20",
  },
  dieOnTerm: {
    name: "die-on-term",
    aliases: [],
    short: "",
    group: "Reloading and stopping",
    argument: "[BOOLEAN]",
    kind: kind.flag,
    default: true,
    onChange: "master",
    help: "Accepted without effect: SIGTERM always stops",
    details:
      "A trap in uWSGI: there, SIGTERM **reloads** unless this option is set, so that an init system " +
      "which stops an instance starts it anew. In duwsgi SIGTERM, SIGINT and SIGQUIT stop, " +
      "gracefully on the first and at once on the second, and SIGHUP reloads.",
    example: "die-on-term = true",
  },

  ...LIMIT_OPTIONS,
  ...CLIENT_OPTIONS,
  ...SCALING_OPTIONS,
  ...PROCESS_OPTIONS,
  ...COMPANION_OPTIONS,
  ...HOOK_OPTIONS,
  ...METRICS_OPTIONS,

  ...LOG_TARGET_OPTIONS,
  ...LOG_FILE_OPTIONS,
  ...REQUEST_LOG_OPTIONS,
  ...STATS_OPTIONS,
  ...EXPORT_OPTIONS,

  strict: {
    name: "strict",
    aliases: ["no-strict"],
    short: "",
    group: "Composing configurations",
    argument: "[BOOLEAN]",
    kind: kind.flag,
    default: true,
    onChange: "master",
    help: "Treat unknown options as errors, not as warnings",
    details:
      "On unless switched off, unlike in uWSGI. With `strict = false`, wherever it is written, " +
      "unknown names are kept: `%(name)` and `uwsgi.opt` find them. Options of uWSGI that are not needed " +
      "here, such as `enable-threads` and `lazy-apps`, are warnings in any case.",
    example: "strict = false",
  },
};

/** What brings files, names and blocks into a configuration; done while it is read, in order. */
export const DIRECTIVES: readonly NamedRow[] = [
  {
    name: "ini",
    aliases: [],
    short: "",
    group: "Composing configurations",
    argument: "FILE[:SECTION]",
    help: "Read an INI file, or one section of it, at this place",
    details:
      "Without a section it is `uwsgi`. `:SECTION` alone reads another section of the same file, `-` " +
      "reads standard input. A relative name starts at the directory duwsgi is started in, as in " +
      "uWSGI; write `%d` in front for the directory of the file that says it. On the command line " +
      "the word `--ini` may be left out if the name ends in `.ini`; such files are read last, as in " +
      "uWSGI, and they may have a section, unlike in uWSGI.",
    example: "ini = %dproduction.ini:web",
  },
  {
    name: "include",
    aliases: [],
    short: "",
    group: "Composing configurations",
    argument: "FILE[:SECTION]",
    help: "The same as ini",
    details: "",
    example: "include = %dlimits.ini",
  },
  {
    name: "inherit",
    aliases: [],
    short: "",
    group: "Composing configurations",
    argument: "FILE[:SECTION]",
    help: "Read an INI file after everything else",
    details:
      "Its single values therefore replace the ones set elsewhere, as in uWSGI. Unlike there, the " +
      "placeholders it defines are not too late.",
    example: "inherit = /etc/app/overrides.ini",
  },
  {
    name: "set-placeholder",
    aliases: ["set-ph"],
    short: "",
    group: "Composing configurations",
    argument: "NAME=VALUE",
    help: "Define %(NAME), unless it is defined already",
    details:
      "The first definition counts, so that one on the command line wins against the file. The " +
      "script finds it in `uwsgi.opt`. The name of an option is refused. Unlike in uWSGI, " +
      "placeholders in the value are replaced.",
    example: "set-placeholder = port=8080\nhttp-socket = :%(port)",
  },
  {
    name: "set",
    aliases: [],
    short: "S",
    group: "Composing configurations",
    argument: "NAME[=VALUE]",
    help: "Set an option",
    details: "The same as writing `NAME = VALUE`.",
    example: "set = listen=1024",
  },
  ...CONDITIONS,
  ...LOOPS,
  {
    name: "else",
    aliases: [],
    short: "",
    group: "Conditions and loops",
    argument: "",
    help: "The lines from here to endif count if the condition is not met",
    details: "From the unreleased uWSGI 2.1.",
    example: "if-env = PORT\nhttp-socket = :%(_)\nelse =\nhttp-socket = :8080\nendif =",
  },
  {
    name: "endif",
    aliases: ["end-if"],
    short: "",
    group: "Conditions and loops",
    argument: "",
    help: "Ends the lines a condition guards",
    details:
      "It closes the innermost open condition. Conditions can be nested, unlike in uWSGI, and end " +
      "in the file they began in.",
    example: "if-file = .env.ini\ninclude = %(_)\nendif =",
  },
  {
    name: "endfor",
    aliases: ["end-for"],
    short: "",
    group: "Conditions and loops",
    argument: "",
    help: "Ends the lines a loop repeats",
    details: "It closes the innermost open loop.",
    example: "for = 8001 8002\nsocket = 127.0.0.1:%(_)\nendfor =",
  },
];

/** What to do instead of running; on the command line only. */
export const START_COMMANDS: readonly (NamedRow & { readonly name: StartCommandName })[] = [
  {
    name: "help",
    aliases: ["usage"],
    short: "h",
    group: "Commands",
    argument: "[OPTION]",
    help: "List all options, or explain one in full",
    details: "",
    example: "duwsgi --help chmod-socket",
  },
  {
    name: "version",
    aliases: [],
    short: "",
    group: "Commands",
    argument: "",
    help: "Print the version",
    details: "",
    example: "duwsgi --version",
  },
  {
    name: "show-config",
    aliases: [],
    short: "",
    group: "Commands",
    argument: "",
    help: "Print the configuration as it was understood, and exit",
    details:
      "The output is an INI file that gives the same configuration without any other file. uWSGI " +
      "prints and goes on.",
    example: "duwsgi --show-config app.ini",
  },
  {
    name: "check",
    aliases: [],
    short: "",
    group: "Commands",
    argument: "",
    help: "Validate configuration and script without listening anywhere, and exit",
    details: "All problems are listed. The exit code is 0 if there is no error.",
    example: "duwsgi --check app.ini",
  },
  {
    name: "smoke",
    aliases: [],
    short: "",
    group: "Commands",
    argument: "[PATH]",
    help: "Start, ask each socket for PATH, reload once, stop, and exit: for CI",
    details:
      "One line for each step on standard output, and exit code 15 if one fails; see [smoke runs](smoke.md). " +
      "Without a path it is `/`. `--smoke=connect` sends no request: for scripts that speak no HTTP. " +
      "The path is joined with `=`.",
    example: "duwsgi --smoke=/health app.ini",
  },
  {
    name: "reload",
    aliases: [],
    short: "",
    group: "Commands",
    argument: "PIDFILE",
    help: "Send SIGHUP to the master of a pidfile: it reloads",
    details: "`duwsgi ctl reload --pidfile PIDFILE --wait` also says what came of it.",
    example: "duwsgi --reload /run/app.pid",
  },
  {
    name: "stop",
    aliases: [],
    short: "",
    group: "Commands",
    argument: "PIDFILE",
    help: "Send SIGINT to the master of a pidfile: it stops",
    details: "`duwsgi ctl stop --pidfile PIDFILE --wait` also waits for its end.",
    example: "duwsgi --stop /run/app.pid",
  },
  {
    name: "pause",
    aliases: ["suspend", "resume"],
    short: "",
    group: "Commands",
    argument: "PIDFILE",
    help: "Send SIGTSTP to the master of a pidfile: it pauses, or resumes when paused",
    details:
      "All three names do the same, as in uWSGI; `duwsgi ctl pause` and `duwsgi ctl resume` mean what " +
      "they say.",
    example: "duwsgi --pause /run/app.pid",
  },
];

/** The names of the commands. */
export type StartCommandName =
  | "help"
  | "version"
  | "show-config"
  | "check"
  | "smoke"
  | "reload"
  | "stop"
  | "pause";

/** The keys of {@linkcode Config}, in the order of {@linkcode OPTIONS}. */
export const OPTION_KEYS: readonly (keyof Config)[] = Object.keys(OPTIONS) as (keyof Config)[];

/** Every row there is, in the order of the reference. */
export const ROWS: readonly NamedRow[] = [
  ...OPTION_KEYS.map((key) => OPTIONS[key]),
  ...DIRECTIVES,
  ...START_COMMANDS,
];

const ROW_BY_NAME: ReadonlyMap<string, NamedRow> = new Map(
  ROWS.flatMap((row) => namesOf(row).map((name) => [name, row] as const)),
);

const KEY_BY_ROW: ReadonlyMap<NamedRow | undefined, keyof Config> = new Map(
  OPTION_KEYS.map((key) => [OPTIONS[key], key]),
);

/** The row with this name or alias, if there is one. */
export function findRow(name: string): NamedRow | undefined {
  return ROW_BY_NAME.get(name);
}

/** The key of `Config` an option of this name or alias sets, if it is an option. */
export function findOptionKey(name: string): keyof Config | undefined {
  return KEY_BY_ROW.get(findRow(name));
}

/** Every name and alias there is. */
export function allNames(): Iterable<string> {
  return ROW_BY_NAME.keys();
}
