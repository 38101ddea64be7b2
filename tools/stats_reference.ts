/**
 * The reference of the stats: a guide, and the fields of the document from the doc comments and
 * declarations in its source.
 *
 * @module
 */

import { LATENCY_BOUNDS_US } from "../lib/stats/stats.ts";
import { table } from "./markdown.ts";

const SOURCE = new URL("../lib/stats/stats.ts", import.meta.url);

/** A doc comment and the interface behind it. */
const INTERFACE = /\/\*\* ((?:(?!\*\/)[^])*?) ?\*\/\nexport interface (\w+) \{\n([^]*?)\n\}\n/g;

/** A member, with the comment before it, if it has one of its own. */
const MEMBER = /(?:\/\*\*([^]*?)\*\/\s*)?readonly (\w+)(\?)?: ([^]*?);\n/g;

/** The document as Markdown. */
export function renderStats(): string {
  return [
    "# Stats",
    "With `stats = ADDRESS` the master tells everybody who connects there what the instance is doing: one " +
    "JSON document, and the end of the connection. It has the fields of uWSGI's stats server where they " +
    "mean something here, so that its clients read it, and further ones, which are marked.",
    GUIDE,
    ...interfaces(),
    "The bounds of the latency's buckets are " +
    `${LATENCY_BOUNDS_US.map((us) => us.toLocaleString("en")).join("; ")} µs.`,
  ].join("\n\n");
}

function interfaces(): string[] {
  const source = `${Deno.readTextFileSync(SOURCE)}\n`;
  return [...source.matchAll(INTERFACE)].flatMap(([, comment = "", name = "", members = ""]) => [
    `## \`${name}\``,
    text(comment),
    table(["Field", "Type", "Meaning"], rows(`${members}\n`)),
  ]);
}

function rows(members: string): string[][] {
  return [...members.matchAll(MEMBER)].map((
    [, comment = "", name = "", optional = "", type = ""],
  ) => [
    `\`${name}${optional}\``,
    `\`${type.replaceAll("readonly ", "").replaceAll(/\s+/g, " ").replaceAll("|", "\\|")}\``,
    text(comment),
  ]);
}

function text(comment: string): string {
  const line = comment.replaceAll(/\n\s*\* ?/g, " ").trim();
  return line.replaceAll(/\{@linkcode ([\w.]+)\}/g, "`$1`").replaceAll("|", "\\|")
    .replace(/^Not in uWSGI: (.)/, (_, first: string) => `_Ours._ ${first.toUpperCase()}`);
}

const GUIDE = `## How to read it

\`\`\`ini
stats = 127.0.0.1:9191
stats = /run/app.stats
stats = @app
\`\`\`

\`\`\`sh
uwsgitop 127.0.0.1:9191
uwsgitop /run/app.stats
uwsgitop @app
nc -U /run/app.stats | jq '.workers[] | {id, status, requests, in_flight, lag_us}'
\`\`\`

An abstract name is bound as it is written: uWSGI adds a NUL to its end, which is why uwsgitop cannot
reach uWSGI there.

With \`stats-http = true\` the same addresses wait for an HTTP request, whatever its path, by a host
that is known ([metrics-http-hosts](monitoring.md#over-http)):

\`\`\`sh
curl http://127.0.0.1:9191/
curl --unix-socket /run/app.stats http://localhost/ | jq .reloads
uwsgitop http://127.0.0.1:9191/
\`\`\`

\`stats-minified\` leaves out spaces, \`stats-no-cores\` the cores (which uwsgitop does not need until its
key \`a\` is pressed), \`stats-no-metrics\` the metrics. These take effect with a reload. A reload that
changes an address replaces the master's program in place, and fails before anything is given up when the
address cannot be had. An address that stays is never closed, also with port 0.

## Who may read it

Whoever reaches the address. There is no password, so choose an address that only those reach who may see
it: a Unix socket has the mode of \`chmod-socket\`. Of requests nothing is shown but their number, their time
and the status and size of their responses: no headers, addresses or paths, unlike in uWSGI. The commands of
daemons and crons are shown as they are configured, so keep secrets out of them.

uWSGI's HTTP answers let web pages of any origin read the stats (\`Access-Control-Allow-Origin: *\`), which
would give them to every page that a browser on this machine shows. Here they don't; a proxy in front can
add the header.

## What is counted

Requests of servers made with \`uwsgi.serve()\` or \`UwsgiSocket.serve()\`, by the worker, in memory that it
shares with the master. Being watched costs nothing: between two questions nothing is measured, except that
with \`stats\` the workers tell how late their event loop is each second. Counts belong to a slot. They go on
when its worker is replaced, is killed, or another program takes over from the master. A request counts as
soon as it begins, so one whose worker is killed is counted, has no response, and is not in flight any more.

The time of a request (\`running_time\`, \`avg_rt\`, \`latency\`) is that of its handler. What a client takes to
read the response is not in it. \`avg_rt\` gives the newest request a weight of 1/16; in uWSGI it is 1/2. Bytes
(\`tx\`) are those of bodies: texts, bytes, blobs and forms, and streams with a \`content-length\`. What is sent
of other streams is not known, nor are headers; an answer to HEAD counts with the body that it would have.

## What clients cannot do

There are at most 32 at a time: when more come, the oldest are sent away. Each has 5 seconds for everything.
Of a request's head 8 KiB are read. Who asks while the stats are about to be read gets the same document as
the one before, and reading takes at most about a tenth of the master's time. Without foreign functions
(\`--deny-ffi\`) the stats are there on TCP addresses only, and counts of workers are not known.

# Fields`;
