/**
 * Runs in the master. Reads a permission set of a deno.json as `deno run --permission-set` does. Deno's
 * own flag cannot be used: as soon as another flag names a kind of permission, Deno forgets what
 * the set says of that kind, and workers need more until they have started.
 *
 * @module
 */

import type { Permission, PermissionKind } from "../../config/options/permissions.ts";
import { PERMISSION_KINDS } from "../../config/options/permissions.ts";
import { resolve } from "../../paths.ts";

/** What a set says of a kind. */
export interface SetEntry {
  readonly allow: Permission;
  readonly deny: Permission;
}

/** What a set says, by kind. */
export type PermissionSet = Readonly<Partial<Record<PermissionKind, SetEntry>>>;

/**
 * Reads a set.
 *
 * @param config The deno.json, as JSON.
 * @param name Name of the set.
 * @param directory Where the deno.json is: relative paths start there.
 * @throws {Error} If there is no such set, or it says what cannot be said.
 */
export function permissionSet(
  config: Readonly<Record<string, unknown>>,
  name: string,
  directory: string,
): PermissionSet {
  const sets = record(config.permissions) ?? {};
  const set = Object.hasOwn(sets, name) ? sets[name] : undefined;
  if (set === undefined) {
    const known = Object.keys(sets).map((one) => `"${one}"`).join(", ");
    throw new Error(
      `The deno.json in ${directory} has no permission set "${name}": ` +
        (known === "" ? "it has none at all" : `it has ${known}`),
    );
  }
  const where = `the permission set "${name}" of the deno.json in ${directory}`;
  const fields = record(set);
  if (fields === null) throw new Error(`Cannot use ${where}: it must be an object`);
  const read = (kind: PermissionKind, value: unknown): SetEntry => {
    const parts = record(value) ?? { allow: value };
    if (parts.ignore !== undefined) {
      throw new Error(`Cannot use "ignore" of ${where}: say "deny", or use deno-flag`);
    }
    const part = (one: unknown) => permission(kind, one, directory, where);
    return { allow: part(parts.allow), deny: part(parts.deny) };
  };
  const all = fields.all === true ? { allow: true, deny: null } as const : undefined;
  return Object.fromEntries(
    PERMISSION_KINDS.flatMap((kind): [PermissionKind, SetEntry][] => {
      const value = fields[kind];
      if (value !== undefined) return [[kind, read(kind, value)]];
      return all === undefined ? [] : [[kind, all]];
    }),
  );
}

function permission(
  kind: PermissionKind,
  value: unknown,
  directory: string,
  where: string,
): Permission {
  if (value === undefined || value === null) return null;
  if (value === true) return true;
  if (value === false) return [];
  if (!Array.isArray(value) || !value.every((one) => typeof one === "string")) {
    throw new Error(`Cannot use "${kind}" of ${where}: it must be true, false or a list of texts`);
  }
  if (kind === "ffi" && value.length > 0) {
    throw new Error(
      `Cannot use "ffi" of ${where}: it must be true or false, because who may call one library may ` +
        "do everything",
    );
  }
  const isPath = (one: string) =>
    kind === "read" || kind === "write" || (kind === "run" && one.includes("/"));
  return value.map((one: string) =>
    (isPath(one) ? resolve(directory, one) : one).replaceAll(",", ",,")
  );
}

function record(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
}
