/**
 * The list of what mod.ts exports, from its doc comments, as `deno doc` reads them.
 *
 * @module
 */

import { fromFileUrl } from "@std/path/posix";
import { table } from "./markdown.ts";

/** What is read of `deno doc --json`. */
interface Documented {
  readonly name: string;
  readonly declarations: readonly {
    readonly kind: string;
    readonly jsDoc?: { readonly doc?: string };
  }[];
}

const KINDS: Readonly<Record<string, string>> = {
  function: "Functions",
  class: "Classes",
  variable: "Values",
  interface: "Types",
  typeAlias: "Types",
};

/** The document as Markdown. */
export function renderLibrary(): string {
  const symbols = exported();
  const kindOf = ({ declarations }: Documented) => KINDS[declarations[0]?.kind ?? ""] ?? "Types";
  return [
    "# What mod.ts exports",
    "How to use it is told in [As a library](library.md). Members have their comments in the source: " +
    "`deno doc mod.ts`, or `deno doc mod.ts NAME`.",
    ...[...new Set(Object.values(KINDS))].flatMap((kind) => [
      `## ${kind}`,
      table(["Name", "What it is"], symbols.filter((one) => kindOf(one) === kind).map(row)),
    ]),
  ].join("\n\n");
}

function exported(): readonly Documented[] {
  const { success, stdout, stderr } = new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", "mod.ts"],
    cwd: fromFileUrl(new URL("../", import.meta.url)),
  }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout)) as {
    nodes: Readonly<Record<string, { readonly symbols: readonly Documented[] }>>;
  };
  return Object.values(nodes).flatMap(({ symbols }) => symbols);
}

/** The first paragraph says what it is. */
function row({ name, declarations }: Documented): string[] {
  const { jsDoc } = declarations[0] ?? {};
  const [first = ""] = jsDoc?.doc?.trim().split(/\n\s*\n/) ?? [];
  const text = first.replaceAll(/\s*\n\s*/g, " ").replaceAll(/\{@linkcode ([\w.]+)\}/g, "`$1`");
  return [`\`${name}\``, text.replaceAll("|", "\\|")];
}
