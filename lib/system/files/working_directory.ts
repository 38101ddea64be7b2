/**
 * The working directory of this process under the name by which it was entered. The kernel knows only what
 * a symbolic link led to then; the name says where it leads now.
 *
 * @module
 */

import { basename, dirname, resolve } from "../../paths.ts";

/** The name, and what it led to when it was entered. */
let entered: { readonly name: string; readonly real: string } | null = null;

/** Enters a directory; its name is remembered. */
export function enterDirectory(path: string): void {
  const name = writtenPath(path);
  Deno.chdir(path);
  const real = Deno.cwd();
  entered = { name: leadsTo(name, real) ? name : real, real };
}

/**
 * Enters what the name of the working directory leads to now, or led to just now; the name stays.
 *
 * @param real Without symbolic links.
 */
export function followDirectory(real: string): void {
  const name = writtenDirectory();
  Deno.chdir(real);
  entered = { name, real: Deno.cwd() };
}

/** Enters another directory while that of the name is gone; the name stays. */
export function enterInstead(path: string): void {
  Deno.chdir(path);
  if (entered !== null) entered = { name: entered.name, real: Deno.cwd() };
}

/**
 * The name of the directory that this process was started in: as the shell has it, or through a link
 * `current` above it, which is how releases are deployed. Call it before anything changes the directory.
 */
export function startDirectory(): string {
  const real = Deno.cwd();
  const name = nameOfShell(real) ?? throughCurrent(real) ?? real;
  entered = { name, real };
  return name;
}

/** The name of the directory that this process is in; its path if it was entered in another way. */
export function writtenDirectory(): string {
  const now = ownDirectory();
  if (entered !== null && (now === null || now === entered.real)) return entered.name;
  return now ?? "/";
}

/** True if the directory is this program's own to change: a library leaves it to its host. */
export function ownsDirectory(): boolean {
  return entered !== null;
}

/** The absolute form of a path, with the links that the name of the working directory has. */
export function writtenPath(path: string): string {
  if (path.startsWith("/")) return resolve("/", path);
  const name = writtenDirectory();
  // What is above a directory is not what is above a link to it.
  return resolve(path.split("/").includes("..") ? ownDirectory() ?? name : name, path);
}

/** The path of the working directory; null: it was removed. */
export function ownDirectory(): string | null {
  try {
    return Deno.cwd();
  } catch {
    return null;
  }
}

/** `PWD`, if it names this directory. */
function nameOfShell(real: string): string | null {
  const name = Deno.env.get("PWD") ?? "";
  return name.startsWith("/") && leadsTo(name, real) ? resolve("/", name) : null;
}

/** Services have no `PWD`: `/srv/current/app` for `/srv/releases/7/app`, if `current` leads to `7`. */
function throughCurrent(real: string): string | null {
  let rest = "";
  for (let release = real; release !== "/"; release = dirname(release)) {
    const beside = dirname(release);
    for (const folder of [beside, dirname(beside)]) {
      const link = resolve(folder, "current");
      if (isLink(link) && leadsTo(link, release)) return resolve(link, rest);
    }
    rest = rest === "" ? basename(release) : `${basename(release)}/${rest}`;
  }
  return null;
}

function isLink(path: string): boolean {
  try {
    return Deno.lstatSync(path).isSymlink;
  } catch {
    return false;
  }
}

function leadsTo(path: string, real: string): boolean {
  try {
    return Deno.realPathSync(path) === real;
  } catch {
    return false;
  }
}
