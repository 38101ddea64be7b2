/**
 * The flags of `deno run` as Deno reads them, as far as they are about permissions or change what a worker
 * is.
 *
 * @module
 */

/** A flag about permissions. */
export interface PermissionFlag {
  /** Its long name, such as `--allow-net`. */
  readonly name: string;
  /** What is behind it; null: nothing. */
  readonly value: string | null;
}

/** The letters of `deno run` that are about permissions. */
const LETTERS: Readonly<Record<string, string>> = {
  A: "--allow-all",
  P: "--permission-set",
  R: "--allow-read",
  W: "--allow-write",
  N: "--allow-net",
  E: "--allow-env",
  S: "--allow-sys",
  I: "--allow-import",
};
/** Its other letters that take no value, or only behind `=`: quiet, reload, help, version. */
const OTHERS = "qrhV";

const KINDS = ["read", "write", "net", "env", "sys", "run", "ffi", "import"];
/**
 * Not `--allow-scripts`, which lets packages of npm run what they bring for their installation, and not
 * `--allow-hrtime`, which says nothing any more.
 */
const NAMES: ReadonlySet<string> = new Set([
  ...["--allow-all", "--permission-set"],
  ...KINDS.flatMap((kind) => [`--allow-${kind}`, `--deny-${kind}`]),
  ...["--ignore-env", "--ignore-read"],
]);

/** What one `deno-flag` says of permissions; letters may stand together, as in `-RNE` or `-NR=/etc`. */
export function permissionFlags(flag: string): readonly PermissionFlag[] {
  if (flag.startsWith("--")) {
    const end = flag.indexOf("=");
    const name = end < 0 ? flag : flag.slice(0, end);
    const value = end < 0 ? null : flag.slice(end + 1);
    return NAMES.has(name) ? [{ name, value }] : [];
  }
  const found: PermissionFlag[] = [];
  for (let i = 1; i < flag.length; i++) {
    const letter = flag.charAt(i);
    if (OTHERS.includes(letter)) continue;
    const name = Object.hasOwn(LETTERS, letter) ? LETTERS[letter] : undefined;
    // A value belongs to the letter before it; -c and -L take one without `=`.
    if (name === undefined) break;
    const rest = flag.slice(i + 1);
    const next = rest.charAt(0);
    const isLast = rest === "" || Object.hasOwn(LETTERS, next) || OTHERS.includes(next) ||
      next === "c" || next === "L";
    found.push({ name, value: isLast ? null : rest.replace(/^=/, "") });
    if (!isLast) break;
  }
  return found;
}

/** True if it says something about permissions. */
export function isPermissionFlag(flag: string): boolean {
  return permissionFlags(flag).length > 0;
}

/**
 * True if flags of `deno run` surely let workers call the C library: what a permission set allows stands
 * in another file.
 */
export function allowLibrary(denoFlags: readonly string[]): boolean {
  const own = denoFlags.flatMap(permissionFlags);
  const isDenied = own.some(({ name }) => name === "--deny-ffi");
  const isAllowed = own.some(({ name, value }) =>
    name === "--allow-all" || (name === "--allow-ffi" && value === null)
  );
  return !isDenied && (isAllowed || own.every(({ name }) => /^--(deny|ignore)-/.test(name)));
}

/** The permission set of the script's deno.json that flags name; null: none. */
export function namedSet(denoFlags: readonly string[]): string | null {
  const sets = denoFlags.flatMap(permissionFlags).filter(({ name }) => name === "--permission-set");
  const last = sets.at(-1);
  return last === undefined ? null : last.value || "default";
}
