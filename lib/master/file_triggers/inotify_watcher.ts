/**
 * Runs in the master. Watches files and directories through the kernel (inotify(7)), also those that
 * are not there yet. Not the file itself is watched but the directory it is in: editors and deploys put
 * another file in its place. Where symbolic links are on the way, each of them is watched, and what it leads
 * to: one that is moved is a change, and what it leads to then is watched from then on.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import { dirname, resolve } from "../../paths.ts";
import { logLine } from "../log.ts";

/** Changes that come within this time are one (100 ms). */
export const GATHER_MS = 100;

/** Something to watch; of a directory, what is directly in it counts too. */
export interface Watched<T> {
  /** Absolute. */
  readonly path: string;
  readonly what: T;
}

/** Something to watch, and all the names under which a change of it shows. */
interface Traced<T> extends Watched<T> {
  /** The path, and what the links on its way lead to, one after the other. */
  readonly names: readonly string[];
  /** Those links. */
  readonly links: readonly string[];
}

/** So many links of one path are followed, as the kernel does (path_resolution(7)). */
const MOST_LINKS = 40;

/** Files and directories that trigger something. */
export class FileWatch<T> {
  readonly #onChange: (what: T, path: string) => void;
  #watched: readonly Traced<T>[] = [];
  /** The directories that are watched. */
  #directories: readonly string[] = [];
  #watcher: Deno.FsWatcher | null = null;
  /** Watchers that another one has taken over from, until they have told what they saw. */
  readonly #leaving = new Map<Deno.FsWatcher, ReturnType<typeof setTimeout>>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  readonly #changed = new Map<T, string>();

  /** `onChange` is called once for all changes of the same `what` that come together. */
  constructor(onChange: (what: T, path: string) => void) {
    this.#onChange = onChange;
  }

  /** Watches these from now on, and nothing else. */
  watch(watched: readonly Watched<T>[]): void {
    this.#watched = watched.map(traced);
    this.#open(false);
  }

  /** Stops watching. */
  close(): void {
    this.watch([]);
    for (const watcher of this.#leaving.keys()) this.#end(watcher);
    clearTimeout(this.#timer ?? undefined);
    this.#timer = null;
    this.#changed.clear();
  }

  /** `again`: also when the names of the directories are the same, because one is another directory. */
  #open(again: boolean): void {
    if (again) this.#watched = this.#watched.map(traced);
    const directories = [
      ...new Set(
        this.#watched.flatMap(({ names, links }) => [
          ...names.flatMap(directoriesOf),
          ...links.map(nearestDirectory),
        ]),
      ),
    ];
    if (directories.join("\0") === this.#directories.join("\0") && !again) return;
    const before = this.#watcher;
    this.#watcher = directories.length === 0 ? null : watcherOf(directories);
    // What cannot be watched now is tried again with the next configuration.
    this.#directories = this.#watcher === null ? [] : directories;
    if (this.#watcher !== null) this.#follow(this.#watcher).catch(complain);
    // What it saw just now is still on its way.
    if (before !== null) this.#leaving.set(before, setTimeout(() => this.#end(before), GATHER_MS));
  }

  #end(watcher: Deno.FsWatcher): void {
    clearTimeout(this.#leaving.get(watcher));
    this.#leaving.delete(watcher);
    watcher.close();
  }

  async #follow(watcher: Deno.FsWatcher): Promise<void> {
    for await (const { kind, paths } of watcher) {
      // Looking at a file is no change, and workers do it whenever they start.
      if (kind === "access") continue;
      const shifted = paths.filter((path) => this.#note(path)).length > 0;
      // A watcher that leaves may see it too, but its successor was made after that.
      if (shifted && kind !== "modify" && watcher === this.#watcher) this.#open(true);
    }
  }

  /** True if a directory that is watched may be another one now, or can be watched from now on. */
  #note(changed: string): boolean {
    let shifted = false;
    for (const { path, what, names, links } of this.#watched) {
      if (links.includes(changed)) shifted = true;
      for (const name of names) {
        const above = name.startsWith(`${changed}/`);
        if (above || changed === name || dirname(changed) === name) this.#gather(what, path);
        if (above || (changed === name && this.#mayBeDirectory(name))) shifted = true;
      }
    }
    return shifted;
  }

  #mayBeDirectory(path: string): boolean {
    return this.#directories.includes(path) || isDirectory(path);
  }

  #gather(what: T, path: string): void {
    if (!this.#changed.has(what)) this.#changed.set(what, path);
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      const all = [...this.#changed];
      this.#changed.clear();
      for (const [one, where] of all) this.#onChange(one, where);
    }, GATHER_MS);
  }
}

/** Follows the links on the way of a path, one after the other. */
function traced<T>({ path, what }: Watched<T>): Traced<T> {
  const names = [path];
  const links: string[] = [];
  while (links.length < MOST_LINKS) {
    const found = firstLink(names.at(-1) ?? path);
    if (found === null || names.includes(found.behind)) break;
    links.push(found.link);
    names.push(found.behind);
  }
  return { path, what, names, links };
}

/** The first link on the way of a path, and the path with what it leads to in its place. */
function firstLink(path: string): { readonly link: string; readonly behind: string } | null {
  const parts = path.split("/").slice(1);
  for (const [index] of parts.entries()) {
    const link = `/${parts.slice(0, index + 1).join("/")}`;
    const target = linkTarget(link);
    if (target === null) continue;
    return { link, behind: resolve(dirname(link), target, ...parts.slice(index + 1)) };
  }
  return null;
}

function linkTarget(path: string): string | null {
  try {
    return Deno.readLinkSync(path);
  } catch {
    // No link, or nothing.
    return null;
  }
}

/** The directories in which a change of the path shows: its own if it is one, and the one it is in. */
function directoriesOf(path: string): string[] {
  return isDirectory(path) ? [path, nearestDirectory(path)] : [nearestDirectory(path)];
}

/** Where a path is in, or will be: the nearest directory above it that exists. */
function nearestDirectory(path: string): string {
  const parent: string = dirname(path);
  return parent === path || isDirectory(parent) ? parent : nearestDirectory(parent);
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

function watcherOf(directories: string[]): Deno.FsWatcher | null {
  try {
    return Deno.watchFs(directories, { recursive: false });
  } catch (error) {
    complain(error);
    return null;
  }
}

function complain(error: unknown): void {
  const reason = errorText(error);
  const text = `Cannot watch files: ${reason}: see fs.inotify.max_user_watches in inotify(7)`;
  logLine("error", text, { event: "notWatching" });
}
