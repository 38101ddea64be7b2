/**
 * The options that say what workers may do: with one of them, workers run with exactly these
 * permissions.
 *
 * @module
 */

import * as kind from "../kinds/option_kind.ts";
import type { OptionRows } from "../kinds/option_spec.ts";
/** A kind of permission that Deno knows. */
export type PermissionKind = "net" | "read" | "write" | "env" | "run" | "sys" | "ffi" | "import";

/** All of them. */
export const PERMISSION_KINDS: readonly PermissionKind[] = [
  "net",
  "read",
  "write",
  "env",
  "run",
  "sys",
  "ffi",
  "import",
];

/** What a permission extends to: all of its kind, or what is listed; null: nothing is said of it. */
export type Permission = true | readonly string[] | null;

/** What is allowed, by kind. */
export type PermissionGrants = {
  readonly [K in PermissionKind as `allow${Capitalize<K>}`]: Permission;
};
/** What is denied, by kind. */
export type PermissionDenials = {
  readonly [K in PermissionKind as `deny${Capitalize<K>}`]: Permission;
};

/** A wall that the kernel puts around a sandboxed worker, beside Deno's own permissions. */
export type SandboxWall = "seccomp" | "landlock";

/** All of them. */
export const SANDBOX_WALLS: readonly SandboxWall[] = ["seccomp", "landlock"];

/** Which walls sandboxed workers and mules have. */
export interface SandboxWalls {
  /** The walls that are asked for. */
  readonly walls: readonly SandboxWall[];
  /** True: nothing starts where the kernel lacks one of them; false: a line of the log says so. */
  readonly required: boolean;
}

/** What workers may do. */
export interface PermissionConfig extends PermissionGrants, PermissionDenials {
  /** Name of a permission set of the script's deno.json (`permission-set`). Empty: none. */
  readonly permissionSet: string;
  /** Whether `uwsgi.reload()` and `uwsgi.stop()` do anything (`worker-control`). @default true */
  readonly workerControl: boolean;
  /** What the kernel refuses sandboxed workers (`sandbox-walls`). @default all, not required */
  readonly sandboxWalls: SandboxWalls;
}

/** What is allowed or denied of a kind. */
export function permissionsOf(
  config: PermissionConfig,
  name: PermissionKind,
): { readonly allow: Permission; readonly deny: Permission } {
  const key = capitalized(name);
  return { allow: config[`allow${key}`], deny: config[`deny${key}`] };
}

/** Paths that the options name, and that the master's own directory should be outside of. */
export function namedPaths(config: PermissionConfig): string[] {
  return (["read", "write"] as const).flatMap((name) => {
    const { allow, deny } = permissionsOf(config, name);
    return [allow, deny].flatMap((list) => list === null || list === true ? [] : list);
  });
}

/** True if the configuration says what workers may do: then they may do nothing else. */
export function isSandboxed(config: PermissionConfig): boolean {
  return config.permissionSet !== "" || PERMISSION_KINDS.some((name) => {
    const { allow, deny } = permissionsOf(config, name);
    return allow !== null || deny !== null;
  });
}

/** `true` is all, `false` nothing, as is no value; else a list that grows with each use. */
function permissionKind(
  list: (before: readonly string[], text: string) => readonly string[],
): kind.OptionKind<Permission> {
  return {
    value: "optional",
    repeatable: true,
    add: (before, { value }) => {
      if (value === null || value === "" || value === "true") return true;
      if (value === "false") return [];
      return before === true ? true : list(before ?? [], value);
    },
    write: (value) => {
      if (value === null) return [];
      if (value === true || value.length === 0) return [{ value: String(value === true) }];
      return value.map((one) => ({ value: one }));
    },
  };
}

/** Two commas stand for one that belongs to the name, as for Deno. */
const COMMA = /(?<!,),(?!,)/;

const permission = permissionKind((before, text) => {
  const names = text.split(COMMA).map((name) => name.trim());
  if (!names.includes("")) return [...before, ...names];
  throw new SyntaxError(`expects names with a comma between two of them, not "${text}"`);
});

const wholePermission = permissionKind((_before, text) => {
  throw new SyntaxError(
    `expects true or false, not "${text}": who may call one library may do everything`,
  );
});

const permissionSet: kind.OptionKind<string> = {
  value: "optional",
  repeatable: false,
  add: (_before, { value }) => value === null || value === "" ? "default" : value,
  write: (value) => value === "" ? [] : [{ value }],
};

const WALL_WORDS = ["all", "none", ...SANDBOX_WALLS, "required"] as const;

const sandboxWalls: kind.OptionKind<SandboxWalls> = {
  value: "required",
  repeatable: false,
  add: (_before, { value }) => {
    const words = (value ?? "").split(",").map((word) => word.trim());
    const unknown = words.find((word) => !WALL_WORDS.some((known) => known === word));
    const some = words.filter((word) => word !== "required");
    const alone = some.length === 1 || !some.some((word) => word === "all" || word === "none");
    if (unknown !== undefined || some.length === 0 || !alone) {
      throw new SyntaxError(
        `expects all, none, or some of ${SANDBOX_WALLS.join(",")}, then ",required" if need be, ` +
          `not "${value ?? ""}"`,
      );
    }
    return {
      walls: SANDBOX_WALLS.filter((wall) => some.includes("all") || some.includes(wall)),
      required: words.includes("required"),
    };
  },
  write: ({ walls, required }) => {
    const all = walls.length === SANDBOX_WALLS.length;
    const names = all ? "all" : walls.length === 0 ? "none" : walls.join(",");
    return [{ value: required ? `${names},required` : names }];
  },
};

function capitalized<K extends PermissionKind>(name: K): Capitalize<K> {
  return (name.charAt(0).toUpperCase() + name.slice(1)) as Capitalize<K>;
}

type Row = OptionRows<PermissionConfig>["allowNet"];

interface Kind {
  readonly what: string;
  readonly argument: string;
  readonly example: string;
  readonly more?: string;
  readonly whole?: true;
}

const KINDS: Readonly<Record<PermissionKind, Kind>> = {
  net: {
    what: "use the network",
    argument: "HOST[:PORT],…",
    example: "db.internal:5432,unix:/run/redis.sock",
    more: "The sockets of the instance are not meant: these are served whatever is allowed here. ",
  },
  read: { what: "read files", argument: "PATH,…", example: "/srv/app/data" },
  write: { what: "write files", argument: "PATH,…", example: "/var/lib/app" },
  env: { what: "read environment variables", argument: "NAME,…", example: "HOME,APP_*" },
  run: {
    what: "start programs",
    argument: "PROGRAM,…",
    example: "/usr/bin/convert",
    more: "What they start has all permissions of the user. ",
  },
  sys: {
    what: "ask for facts of the system",
    argument: "API,…",
    example: "hostname,loadavg",
    more: "All never means the debugger (`inspector`), which cannot be allowed. ",
  },
  ffi: {
    what: "call foreign functions",
    argument: "BOOLEAN",
    example: "true",
    more: "Whoever may do that can do everything that the user may. ",
    whole: true,
  },
  import: { what: "import from hosts", argument: "HOST,…", example: "esm.sh:443" },
};

const READ_SECURITY = "See security.md, also for what it means that one of these options is given.";

function row(verb: "allow" | "deny", name: PermissionKind): Row {
  const { what, argument, example, more = "", whole } = KINDS[name];
  return {
    name: `${verb}-${name}`,
    aliases: [],
    short: "",
    group: "Permissions",
    argument: `[${argument}]`,
    kind: whole ? wholePermission : permission,
    default: null,
    defaultText: "nothing is said of it",
    onChange: "workers",
    help: verb === "allow" ? `Workers may ${what}` : `Workers may not ${what}`,
    details:
      `${more}As deno's \`--${verb}-${name}\`: no value, or \`true\`, means all. \`false\` ` +
      `means nothing${verb === "allow" ? ", whatever was said before" : ""}. ${READ_SECURITY}`,
    example: `${verb}-${name} = ${example}`,
  };
}

function rows(): OptionRows<PermissionGrants & PermissionDenials> {
  const both = PERMISSION_KINDS.flatMap((name) =>
    (["allow", "deny"] as const).map((verb) => [`${verb}${capitalized(name)}`, row(verb, name)])
  );
  return Object.fromEntries(both) as OptionRows<PermissionGrants & PermissionDenials>;
}

/** Their rows. */
export const PERMISSION_OPTIONS: OptionRows<PermissionConfig> = {
  ...rows(),
  permissionSet: {
    name: "permission-set",
    aliases: [],
    short: "",
    group: "Permissions",
    argument: "[NAME]",
    kind: permissionSet,
    default: "",
    defaultText: "none",
    onChange: "workers",
    help: "Workers may do what a permission set of the script's deno.json says",
    details:
      "As deno's `--permission-set`: no value means the set `default`. Of a kind for which " +
      "there is also an option, only the option counts. " + READ_SECURITY,
    example: "permission-set = web",
  },
  sandboxWalls: {
    name: "sandbox-walls",
    aliases: [],
    short: "",
    group: "Permissions",
    argument: "WALL,…",
    kind: sandboxWalls,
    default: { walls: SANDBOX_WALLS, required: false },
    defaultText: "all",
    onChange: "workers",
    help: "What the kernel refuses sandboxed workers and mules, beside their permissions",
    details:
      "`seccomp` refuses system calls that the granted permissions never need, `landlock` refuses " +
      "files and ports outside of them. `all` is both, `none` is neither. With `,required` nothing " +
      "starts where the kernel lacks one; otherwise a line in the log says so. It has no effect " +
      "where no option of this chapter makes workers a sandbox. See security.md.",
    example: "sandbox-walls = all,required",
  },
  workerControl: {
    name: "worker-control",
    aliases: [],
    short: "",
    group: "Permissions",
    argument: "[BOOLEAN]",
    kind: kind.flag,
    default: true,
    onChange: "workers",
    help: "Workers and mules may reload and stop the instance",
    details:
      "With false, `uwsgi.reload()` and `uwsgi.stop()` do nothing but to leave a line in the log. It " +
      "does not follow from the other options of this chapter.",
    example: "worker-control = false",
  },
};
