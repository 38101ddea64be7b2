/**
 * The permissions that the program itself takes from Deno, and the one line for whoever lacks some. Without
 * it the first thing that is refused would be a stack trace, or look like a file that is not there.
 *
 * @module
 */

import { UserError } from "../errors.ts";

/** What the program does: an instance starts workers, a command asks one that runs. */
export type Purpose = "instance" | "command";

/** A permission, and what it is for. */
interface Need {
  readonly flag: string;
  readonly reason: string;
  /** What is asked for. Lists that allow it are enough; so these are what nobody can do without. */
  readonly probes: () => readonly Deno.PermissionDescriptor[];
}

const NEEDS: readonly Need[] = [
  {
    flag: "--allow-read",
    reason: "configurations, scripts, its own files, and what /proc says of processes",
    probes: () => [{ name: "read", path: "/proc" }],
  },
  {
    flag: "--allow-write",
    reason: "the directory for its sockets, in TMPDIR",
    probes: () => [{ name: "write", path: temporaryDirectory() }],
  },
  {
    flag: "--allow-net",
    reason: "its sockets, and those over which processes talk",
    probes: () => [{ name: "net" }],
  },
  {
    flag: "--allow-run",
    reason: "starting workers",
    probes: () => [{ name: "run", command: Deno.execPath() }],
  },
  { flag: "--allow-env", reason: "UWSGI_… variables", probes: () => [{ name: "env" }] },
  {
    flag: "--allow-sys",
    reason: "who runs it, and the name of the host",
    probes: () => [
      { name: "sys", kind: "uid" },
      { name: "sys", kind: "gid" },
      { name: "sys", kind: "hostname" },
    ],
  },
];

/** Those that commands need as well. */
const OF_COMMANDS = NEEDS.filter(({ flag }) => flag !== "--allow-run");

/** Without it there is no error, see the log's first lines. */
const FOREIGN_FUNCTIONS = "--allow-ffi";

/**
 * Looks for what is missing before anything is done.
 *
 * @throws {UserError} If something is; it names all of it.
 */
export function requirePermissions(purpose: Purpose): void {
  const needs = purpose === "instance" ? NEEDS : OF_COMMANDS;
  const missing = needs.filter(({ probes }) => probes().some((probe) => !isGranted(probe)));
  if (missing.length > 0) throw lacking(missing, needs);
}

/** The line for these. */
function lacking(missing: readonly Need[], needs: readonly Need[]): UserError {
  const named = missing.map(({ flag, reason }) => `${flag} (${reason})`).join(", ");
  const all = [...needs.map(({ flag }) => flag), FOREIGN_FUNCTIONS].join(" ");
  return new UserError(
    "configuration",
    `Deno does not allow what duwsgi needs: ${named} ${
      missing.length === 1 ? "is" : "are"
    } missing: run it with -A, or with ${all}`,
  );
}

/**
 * The line for something that Deno has refused later on, where a permission is given for less than is
 * needed; null: the error is another one.
 */
export function refusedByDeno(error: unknown): UserError | null {
  // A module that may not be read is a TypeError with the same text.
  if (!(error instanceof Deno.errors.NotCapable || error instanceof TypeError)) return null;
  const [, what, flag] = /^(Requires .* access to .*), run again with the (--allow-[a-z]+) flag/s
    .exec(error.message) ?? [];
  if (what === undefined) return null;
  // Some files of /proc take all of them together.
  const advice = flag === "--allow-all" ? "" : `, or with ${flag}`;
  return new UserError("configuration", `${what}: run duwsgi with -A${advice}`);
}

function isGranted(probe: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(probe).state === "granted";
}

/** Where there will be a directory; that of everybody while nobody may ask. */
function temporaryDirectory(): string {
  const variable = { name: "env", variable: "TMPDIR" } as const;
  return (isGranted(variable) ? Deno.env.get("TMPDIR") : undefined) || "/tmp";
}
