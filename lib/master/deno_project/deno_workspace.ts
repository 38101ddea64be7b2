/**
 * Which directories belong to a workspace, decided from the patterns in its root's deno.json
 * (`workspace`) or package.json (`workspaces`).
 *
 * @module
 */
import { resolve } from "../../paths.ts";

/**
 * The member patterns of a workspace's root, from the value of `workspace` (an array, or
 * `{ members }`) or `workspaces` (an array, or `{ packages }`); null when there is none.
 */
export function workspacePatterns(value: unknown): readonly string[] | null {
  if (Array.isArray(value)) return value.filter((pattern) => typeof pattern === "string");
  if (typeof value !== "object" || value === null) return null;
  if ("members" in value) return workspacePatterns(value.members);
  return "packages" in value ? workspacePatterns(value.packages) : null;
}

/**
 * Whether a directory is a member: some pattern matches it, and none that starts with `!` does.
 * `*`, `**`, `?` and `[…]` are wildcards; a pattern without any is a path.
 *
 * @param patterns The patterns, relative to the root.
 * @param root Absolute path of the workspace's root.
 * @param directory Absolute path of the directory asked about.
 */
export function isWorkspaceMember(
  patterns: readonly string[],
  root: string,
  directory: string,
): boolean {
  const matches = (pattern: string): boolean =>
    /[*?[]/.test(pattern)
      ? below(pattern, root).test(directory)
      : resolve(root, pattern) === directory;
  return patterns.some((pattern) => !pattern.startsWith("!") && matches(pattern)) &&
    !patterns.some((pattern) => pattern.startsWith("!") && matches(pattern.slice(1)));
}

/** What a pattern with wildcards means below a directory: `*` stays within a name, `**` does not. */
function below(pattern: string, root: string): RegExp {
  const source = resolve(root, pattern).replace(
    /\/\*\*(?=\/|$)|\*+|\?|\[!?[^\]/]{1,100}\]|[\\^$.|+(){}[\]]/g,
    (token) => {
      if (token === "/**") return "(/[^/]+)*";
      if (token.startsWith("*")) return "[^/]*";
      if (token === "?") return "[^/]";
      return token.length > 1 ? token.replace("[!", "[^") : `\\${token}`;
    },
  );
  return new RegExp(`^${source}$`);
}
