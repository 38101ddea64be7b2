/**
 * Runs in the master, and only where the configuration says what workers may do. Makes the flags of
 * `deno run` for that: what workers may do in the end, and what duwsgi's own modules need until the
 * script is evaluated, which the last of them gives back (`lib/worker/sandbox`).
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import {
  type Permission,
  PERMISSION_KINDS,
  type PermissionKind,
  permissionsOf,
} from "../../config/options/permissions.ts";
import { expectsProxyHeader } from "../../config/options/proxy.ts";
import { dirname } from "../../paths.ts";
import { type SandboxPlan, WORKER_VARIABLE } from "../../protocol/worker_environment.ts";
import { covers, realPathOf } from "../../system/files/absolute_path.ts";
import { readJsonFile } from "../deno_project/json_file.ts";
import type { ImportMap } from "../deno_project/import_map.ts";
import { type PermissionSet, permissionSet } from "./permission_set.ts";
import { missingWalls } from "./walls.ts";

export { wallStatus } from "./walls.ts";

/** What workers of a sandbox are started with. */
export interface Sandbox {
  /** Flags of `deno run`. */
  readonly flags: readonly string[];
  /** What the worker gives back, and how. */
  readonly plan: SandboxPlan;
  /** What the user should know. */
  readonly notes: readonly string[];
  /** What it may do in the end, by kind. */
  readonly allowed: Readonly<Record<PermissionKind, true | readonly string[]>>;
}

/** How many sockets may be Unix sockets that are passed to the master, and not configured. */
const PASSED_SOCKETS = 8;

/** Deno takes no empty list, and `--deny-import` without one has no effect: nobody is at port 0. */
const NOBODY = "127.0.0.1:0";

/**
 * What a configuration allows.
 *
 * @param directory The master's own directory.
 * @param configFile The script's deno.json, or null.
 * @throws {Error} If there is no such permission set, what is denied leaves no worker able to start, or the
 * kernel lacks a wall that is required.
 */
export function sandbox(
  config: Config,
  directory: string,
  configFile: string | null,
): Sandbox {
  const set = config.permissionSet === "" ? {} : permissionSetOf(config.permissionSet, configFile);
  if (expectsProxyHeader(config) && !reachesItself(config)) {
    throw new Error(
      "Behind the PROXY protocol a worker talks to itself: add allow-net = 127.0.0.1, or remove the " +
        "options about permissions",
    );
  }
  // A server and a listener for each socket, and a few more.
  const throwaways = Array.from(
    { length: 2 * Math.max(config.sockets.length, PASSED_SOCKETS) + 4 },
    (_, i) => `${directory}/throwaway_${i}.sock`,
  );
  const needs: Readonly<Record<PermissionKind, readonly string[]>> = {
    net: [
      // What is revoked is gone also where a wider permission has it, and a worker that talks to itself
      // needs it later as well.
      ...expectsProxyHeader(config) ? [] : ["127.0.0.1:0"],
      ...[`${directory}/control.sock`, ...throwaways].map((one) => `unix:${one}`),
    ],
    read: [directory],
    write: [directory],
    env: [WORKER_VARIABLE],
    ffi: [],
    run: [],
    sys: [],
    import: [],
  };
  // Deno's cache of compiled code is what the next worker executes: none has it open.
  const flags: string[] = ["--no-prompt", "--no-code-cache"];
  const revoke: Deno.PermissionDescriptor[] = [];
  const allowed: Partial<Record<PermissionKind, true | readonly string[]>> = {};
  for (const name of PERMISSION_KINDS) {
    const own = permissionsOf(config, name);
    const said = own.allow !== null || own.deny !== null ? own : set[name] ?? own;
    const { allow, deny } = effective(name, said);
    refuseConflict(`deny-${name}`, name, deny, directory);
    if (allow !== true) refuseConflict(`allow-${name}`, name, allow, directory);
    allowed[name] = allow;
    if (allow === true) flags.push(`--allow-${name}`);
    else if (name === "ffi") {
      // A list would not do: what is mapped and pointed to needs all of it.
      flags.push("--allow-ffi");
      revoke.push({ name: "ffi" });
    } else {
      const listed = [...allow, ...needs[name].filter((one) => !allow.includes(one))];
      if (name === "import" && listed.length === 0) listed.push(NOBODY);
      if (listed.length > 0) flags.push(`--allow-${name}=${listed.join(",")}`);
      revoke.push(
        ...needs[name].filter((one) => !allow.includes(one)).map((one) => descriptor(name, one)),
      );
    }
    if (deny.length > 0) flags.push(`--deny-${name}=${deny.join(",")}`);
  }
  const granted = (name: PermissionKind) => allowed[name] === true || allowed[name]?.length !== 0;
  // Packages of npm are downloaded without any permission, also while the script runs.
  if (!granted("import")) flags.push("--cached-only");
  const { walls, required } = config.sandboxWalls;
  const grants = {
    run: granted("run"),
    ffi: granted("ffi"),
    write: granted("write"),
    net: granted("net"),
  };
  const seccomp = walls.includes("seccomp") ? { grants, required } : null;
  return {
    flags,
    plan: { revoke, throwaways, seccomp, webStorage: allowed.write === true },
    notes: missingWalls(config.sandboxWalls),
    allowed: allowed as Sandbox["allowed"],
  };
}

/**
 * Insists that an import map leads none of duwsgi's own imports elsewhere: what it led to would be evaluated
 * before the worker is a sandbox.
 *
 * @param own URL of the folder that duwsgi's modules are in.
 * @throws {Error} If it does.
 */
export function refuseOwnImports({ imports, scopes }: ImportMap, own: string): void {
  const keys = [imports, ...Object.values(scopes)].flatMap((entries) => Object.keys(entries));
  const leads = (key: string) =>
    key.startsWith(own) || key.startsWith("node:") || (key.endsWith("/") && own.startsWith(key));
  const key = keys.find(leads);
  if (key === undefined) return;
  throw new Error(
    `The import map of the script has an entry for "${key}", which modules of duwsgi import: ` +
      "remove it, or the options about permissions",
  );
}

function reachesItself(config: Config): boolean {
  const { allow } = permissionsOf(config, "net");
  return allow === true || (allow ?? []).includes("127.0.0.1");
}

/** What is denied altogether need not be denied: it is not allowed. */
function effective(
  name: PermissionKind,
  { allow, deny }: { readonly allow: Permission; readonly deny: Permission },
): { readonly allow: true | readonly string[]; readonly deny: readonly string[] } {
  if (deny === true) return { allow: [], deny: [] };
  const some = allow === true || (allow !== null && allow.length > 0);
  const listed = name === "sys" ? withoutInspector(allow) : allow ?? [];
  return { allow: listed, deny: some ? deny ?? [] : [] };
}

/**
 * What `allow-sys` stands for without a list: all names that the flag of Deno 2.9.6 takes. What only all of
 * the kind gives is left out with that: `umask`, `setuid` and the like, and `inspector`. A debugger of its own
 * process shows a script what closures hold, the functions of the C library among it, and Deno takes no
 * `--deny-sys=inspector`.
 */
export const SYS_NAMES: readonly string[] = [
  ...["hostname", "osRelease", "osUptime", "loadavg", "networkInterfaces", "systemMemoryInfo"],
  ...["uid", "gid", "getegid", "username", "userInfo", "homedir", "cpus", "statfs"],
  ...["getPriority", "setPriority"],
];

function withoutInspector(allow: Permission): readonly string[] {
  if (allow === true) return SYS_NAMES;
  if (!allow?.includes("inspector")) return allow ?? [];
  throw new Error(
    "allow-sys = inspector cannot be had in a sandbox: with a debugger a script could do everything that " +
      "the user may: remove it, or say all permissions with deno-flag",
  );
}

/**
 * What is denied cannot be given back, so it must not be what workers need to start. What is allowed must not
 * be the master's own directory, which only duwsgi's modules may enter: Deno takes the wider permission back
 * together with that for the directory. Paths are compared as the kernel resolves them.
 */
function refuseConflict(
  option: string,
  name: PermissionKind,
  paths: readonly string[],
  directory: string,
): void {
  if (name !== "read" && name !== "write") return;
  const own = realPathOf(directory);
  const path = paths.find((one) => {
    // Two commas stand for one.
    const real = realPathOf(one.replaceAll(",,", ","));
    return covers(real, own) || covers(own, real);
  });
  if (path === undefined) return;
  throw new Error(
    `${option} = ${path} covers ${directory}, where workers find their master: ` +
      "start duwsgi with TMPDIR set to another directory, or name less",
  );
}

function descriptor(name: PermissionKind, value: string): Deno.PermissionDescriptor {
  switch (name) {
    case "net":
      return { name, host: value };
    case "read":
    case "write":
      return { name, path: value };
    case "env":
      return { name, variable: value };
    default:
      throw new TypeError(`Nothing is needed of ${name}`);
  }
}

/**
 * What a permission set says.
 *
 * @throws {Error} If there is no deno.json, or no such set in it.
 */
export function permissionSetOf(name: string, configFile: string | null): PermissionSet {
  return permissionSet(requireConfig(configFile), name, dirname(configFile ?? ""));
}

function requireConfig(configFile: string | null): Readonly<Record<string, unknown>> {
  const file = configFile === null ? null : readJsonFile(configFile);
  if (file !== null) return file.value;
  throw new Error("permission-set needs a deno.json beside the script or above it: there is none");
}
