/**
 * The socket on which a master answers operators: where it is.
 *
 * @module
 */

import { resolve } from "../../paths.ts";
import { loadConfig } from "../../config/load.ts";
import { denoConfigSource, type SourceBase } from "../../instance/config_source.ts";
import { UserError } from "../../errors.ts";
import { operatorSocketOf, pidIn, unreachable } from "./find_master.ts";
import type { Target } from "./client_arguments.ts";
import { masterOfDirectory, mastersOfIni, single } from "./running_masters.ts";

/**
 * How the socket of a master is found, when it is time to.
 *
 * @returns The path; calling it rejects with a {@linkcode UserError} if there is no such master.
 */
export function socketOf(target: Target, base: SourceBase): () => Promise<string> {
  switch (target.kind) {
    case "socket":
      return () => Promise.resolve(target.path);
    case "pid":
      return async () => await operatorSocketOf(target.pid, "--pid");
    case "pidfile":
      return async () => await socketOfPidfile(target.path);
    case "ini":
      return () => socketOfIni(target.path, base);
    case "directory":
      return async () => (await masterOfDirectory(resolve(base.cwd, target.path))).path;
  }
}

function socketOfPidfile(path: string): string {
  return operatorSocketOf(pidIn(path), `the pidfile "${path}"`);
}

async function socketOfIni(file: string, base: SourceBase): Promise<string> {
  const { controlSocket, pidfile } = addressesFromIni(file, base);
  if (controlSocket !== null) return controlSocket;
  const path = resolve(base.cwd, file.replace(SECTION, "$1"));
  if (pidfile !== null) {
    try {
      return socketOfPidfile(pidfile);
    } catch (error) {
      // It may have been started before there was a pidfile, or the file was removed.
      const masters = error instanceof UserError ? await mastersOfIni(path) : [];
      if (masters.length !== 1) throw error;
      return single(masters, "").path;
    }
  }
  const masters = await mastersOfIni(path);
  if (masters.length === 0) {
    throw unreachable(`No master of ${file} runs here as this user: see duwsgi ctl list`);
  }
  return single(masters, `Several masters run ${file}: name one with --pid N`).path;
}

/** `app.ini:section`. */
const SECTION = /^(.*\.ini):[^:/]*$/is;

/** How the master of a configuration can be reached, with absolute paths. Null: not in that way. */
export interface MasterAddresses {
  readonly controlSocket: string | null;
  readonly pidfile: string | null;
  /** Address of its stats server. */
  readonly stats: string | null;
}

/** Mistakes in the configuration do not matter: nobody is to be kept from stopping a master. */
export function addressesFromIni(file: string, base: SourceBase): MasterAddresses {
  const { draft, entries } = loadConfig(["--ini", file], denoConfigSource(base, false));
  const last = (names: RegExp) => entries.findLast(({ key }) => names.test(key))?.value ?? null;
  const at = (path: string | null) =>
    path === null || path === "" ? null : resolve(base.cwd, draft?.chdir ?? "", path);
  const stats = last(/^stats(-server)?$/);
  return {
    controlSocket: at(draft?.controlSocket ?? null),
    pidfile: at(last(/^(safe-)?pidfile2?$/)),
    // Without a colon it is a path, unless it is an abstract name.
    stats: stats === null || /^@|:/.test(stats) ? stats : at(stats),
  };
}
