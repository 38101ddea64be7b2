/**
 * Runs in the master. Deno compares paths with permissions as they are written: who runs a script by its
 * path without symbolic links needs what was allowed through a link under that name as well.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import { permissionFlags } from "../../config/values/deno_flags.ts";
import type { Permission } from "../../config/options/permissions.ts";
import { absolutePath, realPathOf } from "../../system/files/absolute_path.ts";

/** Two commas stand for one that belongs to the name, as for Deno. */
const COMMA = /(?<!,),(?!,)/;
const FLAG = /^--(allow|deny|ignore)-(read|write)$/;

/** The configuration, with the real names of files that it allows or denies. */
export function withRealPaths(config: Config): Config {
  const { allowRead, allowWrite, denyRead, denyWrite, denoFlags } = config;
  return {
    ...config,
    allowRead: extended(allowRead),
    allowWrite: extended(allowWrite),
    denyRead: extended(denyRead),
    denyWrite: extended(denyWrite),
    denoFlags: [...denoFlags, ...denoFlags.flatMap(moreOf)],
  };
}

function extended(list: Permission): Permission {
  if (list === null || list === true) return list;
  return [...list, ...realNames(list)];
}

function moreOf(flag: string): string[] {
  return permissionFlags(flag).flatMap(({ name, value }) => {
    if (value === null || !FLAG.test(name)) return [];
    const more = realNames(value.split(COMMA));
    return more.length === 0 ? [] : [`${name}=${more.join(",")}`];
  });
}

function realNames(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    const name = path.replaceAll(",,", ",");
    const real = realPathOf(name);
    return real === absolutePath(name) ? [] : [real.replaceAll(",", ",,")];
  });
}
