/**
 * Runs in the master, and only where the configuration says what workers may do. Makes the flags of
 * `deno run` for that: what workers may do in the end, and what duwsgi's own modules need until the
 * script is evaluated, which the last of them gives back (`lib/worker/sandbox`).
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import {
  type Permission,
  PERMISSION_KINDS,
  type PermissionKind,
  permissionsOf,
} from "../config/options/permissions.ts";
import { expectsProxyHeader } from "../config/options/proxy.ts";
import { dirname } from "../paths.ts";
import { type SandboxPlan, WORKER_VARIABLE } from "../protocol/worker_environment.ts";
import { absolutePath } from "../system/absolute_path.ts";
import { readJsonFile } from "../system/json_file.ts";
import type { ImportMap } from "./import_map.ts";
import { permissionSet } from "./permission_set.ts";

/** What workers of a sandbox are started with. */
export interface Sandbox {
  /** Flags of `deno run`. */
  readonly flags: readonly string[];
  /** What the worker gives back, and how. */
  readonly plan: SandboxPlan;
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
 * @throws {Error} If there is no such permission set, or what is denied leaves no worker able to start.
 */
export function sandbox(
  config: Config,
  directory: string,
  configFile: string | null,
): Sandbox {
  const set = config.permissionSet === ""
    ? {}
    : permissionSet(requireConfig(configFile), config.permissionSet, dirname(configFile ?? ""));
  if (expectsProxyHeader(config) && !reachesItself(config)) {
    throw new Error(
      "Behind the PROXY protocol a worker talks to itself: add allow-net = 127.0.0.1, or remove the " +
        "options about permissions",
    );
  }
  // A server and a listener for each socket, and one more.
  const throwaways = Array.from(
    { length: 2 * Math.max(config.sockets.length, PASSED_SOCKETS) + 1 },
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
  const flags: string[] = ["--no-prompt"];
  const revoke: Deno.PermissionDescriptor[] = [];
  const allowed: Partial<Record<PermissionKind, true | readonly string[]>> = {};
  for (const name of PERMISSION_KINDS) {
    const own = permissionsOf(config, name);
    const said = own.allow !== null || own.deny !== null ? own : set[name] ?? own;
    const { allow, deny } = effective(said);
    allowed[name] = allow;
    refuseConflict(name, deny, directory);
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
  return { flags, plan: { revoke, throwaways }, allowed: allowed as Sandbox["allowed"] };
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
  { allow, deny }: { readonly allow: Permission; readonly deny: Permission },
): { readonly allow: true | readonly string[]; readonly deny: readonly string[] } {
  if (deny === true) return { allow: [], deny: [] };
  const some = allow === true || (allow !== null && allow.length > 0);
  return { allow: allow ?? [], deny: some ? deny ?? [] : [] };
}

/** What is denied cannot be given back, so it must not be what workers need to start. */
function refuseConflict(name: PermissionKind, deny: readonly string[], directory: string): void {
  if (name !== "read" && name !== "write") return;
  const path = deny.find((one) => `${directory}/`.startsWith(`${absolutePath(one)}/`));
  if (path === undefined) return;
  throw new Error(
    `deny-${name} = ${path} covers ${directory}, where workers find their master: ` +
      "start duwsgi with TMPDIR set to another directory, or allow less instead",
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

function requireConfig(configFile: string | null): Readonly<Record<string, unknown>> {
  const file = configFile === null ? null : readJsonFile(configFile);
  if (file !== null) return file.value;
  throw new Error("permission-set needs a deno.json beside the script or above it: there is none");
}
