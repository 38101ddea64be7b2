/**
 * The reference of commands, letters and signals, from the tables that decide about them.
 *
 * @module
 */

import { EXIT, type ExitName } from "../lib/errors.ts";
import { CTL_USAGE } from "../lib/cli/client/ctl_arguments.ts";
import {
  commandNamed,
  COMMANDS,
  hasVerdict,
  LETTERS_WITHOUT_COMMAND,
} from "../lib/control/commands.ts";
import { MASTER_SIGNALS, SIGNALS_WITHOUT_COMMAND } from "../lib/master/operators/signals.ts";
import { table } from "./markdown.ts";

const EXITS: readonly ExitName[] = [
  "ok",
  "configuration",
  "rolledBack",
  "failed",
  "cancelled",
  "unreachable",
  "timeout",
];

/** The document as Markdown. */
export function renderControl(): string {
  return [
    "# Control",
    "A running master takes commands in four ways: `duwsgi ctl`, which gets an answer; signals; letters " +
    "in a FIFO; and files that change. They all mean the same commands.",
    "## Commands",
    table(
      ["`ctl`", "FIFO", "Signals", "What it does", "`--wait`"],
      COMMANDS.map((command) => [
        `\`${`${command.name} ${command.argument}`.trim()}\``,
        command.letter === "" ? "" : `\`${command.letter}\``,
        signalsOf(command.name).join(", "),
        [`${command.help}.`, command.details].join(" ").trim(),
        hasVerdict(command) ? "yes" : "",
      ]),
    ),
    "One reload runs at a time, and one that is asked for meanwhile follows it; who waits gets the verdict " +
    "of the one that served them.",
    CTL,
    table(
      ["Code", "Name", "Meaning"],
      EXITS.map((name) => [String(EXIT[name].code), name, EXIT[name].meaning]),
    ),
    SOCKET,
    "## Signals",
    table(["Signal", "Command", "What it does"], signalRows()),
    "`--reload PIDFILE`, `--stop PIDFILE` and `--pause PIDFILE` (also `--suspend`, `--resume`) send " +
    "SIGHUP, SIGINT and SIGTSTP, as in uWSGI, after a look whether the process is a duwsgi master.",
    FIFO,
    table(
      ["Letter", "In uWSGI it"],
      Object.entries(LETTERS_WITHOUT_COMMAND).map(([letter, text]) => [`\`${letter}\``, text]),
    ),
    FILES,
  ].join("\n\n");
}

function signalsOf(name: string): string[] {
  return Object.entries(MASTER_SIGNALS).filter(([, { command }]) => command === name)
    .map(([signal]) => signal);
}

/** The rows of the signals, for this document and for that of a worker's life. */
export function signalRows(): string[][] {
  const rows = Object.entries(MASTER_SIGNALS).map(([signal, { command, note }]) => {
    const { help, name } = commandNamed(command);
    return [signal, `\`${name}\``, `${help}. ${note}`.trim()];
  });
  const without = Object.entries(SIGNALS_WITHOUT_COMMAND).map((
    [signal, text],
  ) => [signal, "", text]);
  return [...rows, ...without];
}

const CTL = `## ctl

\`\`\`sh
duwsgi ctl list
duwsgi ctl reload
duwsgi ctl chain-reload app.ini --wait
duwsgi ctl stop /srv/app
duwsgi ctl status --pidfile /run/app.pid --json
duwsgi ctl scale +2 --socket /run/app.ctl
\`\`\`

Here \`duwsgi\` stands for \`deno run -A main.ts\`.

\`\`\`
${CTL_USAGE.replace(/\n\nCommands:$/, "")}
\`\`\`

\`list\` shows every master of this user (for root, of everybody): process id, script, how many workers
accept, directory and addresses; \`--json\` has \`masters\` with \`pid\`, \`script\`, \`directory\`,
\`configuration\` (its INI files), \`sockets\`, \`processes\`, \`accepting\`, \`uptimeMs\` and \`socket\`.
Where no master is named there has to be one only; where there are several, they are named with
directory and addresses. An INI file finds its master by \`control-socket\`, else by \`pidfile\`, else it
is the one that was started with that file. A master whose /tmp is its own (systemd's
\`PrivateTmp=yes\`) or that is in a container is found by \`--pid\` and \`--pidfile\` only.

\`status --json\` has \`directory\`, \`configuration\`, \`phase\`, \`cheap\` (no worker runs until a connection comes), \`generation\`,
\`processes\`, \`reload\`, and for each slot its counts and
workers. \`walls\` says for a sandbox which walls the kernel has put around the workers that accept:
\`wall\`, \`holds\`, and \`why\` one does not hold, see [Security](security.md#walls-by-the-kernel).

With \`--wait\` it ends when the command is through, and says what came of it: for a reload the old and
the new process of each slot that has another one, for a failure the reason with file and line. What
takes longer than a second is told on standard error meanwhile: which slot starts, which workers leave. \`--json\` has the same for
machines: \`outcome\` (\`done\`, \`rolled-back\`, \`failed\`, \`cancelled\`), \`generation\`, \`tookMs\`,
\`slots\` with \`oldPid\` and \`newPid\`, \`failures\` with \`why\`, \`file\` and \`line\`, and \`text\`; or
\`accepted\` without \`--wait\`, and the name of the exit code when the command was not taken. The exit
code tells the outcome:`;

const SOCKET = `## The control socket

Every master listens on a Unix socket in its own directory, which only its user may enter; that is how \`ctl\`
finds it. \`control-socket\` adds one with a path of your choice, mode 600. Both speak JSON,
one object per line:

\`\`\`
→ {"command":"chain-reload","wait":true}
← {"type":"accepted","text":"chain-reload was asked for","pid":4711,"generation":1}
← {"type":"verdict","verdict":{"outcome":"done","generation":2,"tookMs":412, …},"stops":false}
\`\`\`

A request has at most 4096 bytes and its \`command\`, and may have an \`argument\` (a text) and \`wait\`.
What is shown comes as \`{"type":"result","text":…,"value":…}\`. What is no request is answered with
\`{"type":"error","text":…}\`, and that is the end of the conversation. So is a client that sends no
request for 10 s, or does not read its answer for so long. 32 clients may talk at a time. A client that
goes while it waits changes nothing: what it asked for goes on.

When a reload replaces the master's program, connections end without a verdict; \`ctl --wait\` then asks
the new program how it went on.

Who waits when the master ends is told \`done\` if they asked for the stop, and \`cancelled\` otherwise.`;

const FIFO = `## The FIFO

\`\`\`ini
master-fifo = /run/app.fifo
\`\`\`

\`\`\`sh
echo c > /run/app.fifo
\`\`\`

Each byte is a command, see the table above. Line breaks and spaces are skipped, other bytes too, the
first one with a line in the log. Of several FIFOs, the one in use is selected by its number, \`0\` to
\`9\`: the new one is made, the old one removed. Where another master reads the FIFO, or something else
than a FIFO is at its path, the start fails and says so. These letters of uWSGI have no command:`;

const FILES = `## Files

- \`touch-reload\`, \`touch-workers-reload\`, \`touch-chain-reload\` and \`touch-exec\` look at the
  modification time of a file every second.
- \`fs-reload\` and \`fs-brutal-reload\` are told of every change by the kernel.
- \`auto-reload\`, for development, watches the script and the modules it imports.

[Options and INI dialect](options.md) explains each.`;
