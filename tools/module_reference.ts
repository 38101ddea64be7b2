/**
 * The reference of the `uwsgi` module, from the doc comments and declarations in its source.
 *
 * @module
 */

/** The sources, and the names of each that scripts can see; null: all of them. */
const SOURCES: readonly (readonly [path: string, names: readonly string[] | null])[] = [
  ["uwsgi.ts", null],
  ["metrics/metric_api.ts", null],
  ["../shared_memory/metric_table.ts", ["MetricHistogram"]],
  ["serving/socket.ts", ["UwsgiSocket"]],
  ["serving/served_socket.ts", ["ServeOptions"]],
  ["handler.ts", ["Server", "Handler"]],
  ["retire.ts", ["ReloadHandler", "Retirement", "LeaveCause"]],
];

/** A doc comment and the declaration behind it, up to a blank line, or the end of an interface. */
const DOCUMENTED =
  /\/\*\*((?:(?!\*\/)[^])*)\*\/\nexport (?:(interface) ([^]*?\n\})|(const|function|type) ([^]*?)\n(?=\n|$))/g;

/** The document as Markdown. */
export function renderModule(): string {
  return [
    "# The `uwsgi` module",
    "What a worker's script imports from `uwsgi`: every name by itself, and all of them as the default " +
    "export. How to use it is told in [Writing workers](writing-workers.md).",
    ...SOURCES.flatMap(([path, names]) => sections(path, names)),
  ].join("\n\n");
}

function sections(path: string, names: readonly string[] | null): string[] {
  const source = Deno.readTextFileSync(new URL(`../lib/worker/${path}`, import.meta.url));
  return [...source.matchAll(DOCUMENTED)].flatMap((match) => {
    const [, comment = "", face, members = "", kind = "", rest = ""] = match;
    const declaration = face === undefined ? rest : members;
    const name = /^\w+/.exec(declaration)?.[0] ?? "";
    if (names !== null && !names.includes(name)) return [];
    const code = shown(face ?? kind, declaration);
    return [`## \`${name}\`\n\n\`\`\`ts ignore\n${code}\n\`\`\`\n\n${text(comment)}`];
  });
}

/** Without bodies and initial values: what a caller needs to know. */
function shown(kind: string, declaration: string): string {
  if (kind === "interface" || kind === "type") return `${kind} ${declaration}`;
  if (kind === "const") return `const ${declaration.split(" =")[0]};`;
  return `function ${/^([^]*?\)(?:: [^{]+?)?) \{/.exec(declaration)?.[1] ?? declaration};`;
}

function text(comment: string): string {
  const lines = comment.split("\n").map((line) => line.replace(/^\s*\* ?/, ""));
  return lines.join("\n").trim()
    .replaceAll(/\{@linkcode ([\w.]+)\}/g, "`$1`")
    .replaceAll(/^@returns /gm, "Returns ")
    .replaceAll(/^@throws \{(\w+)\} /gm, "Throws `$1`: ");
}
