/**
 * Runs in the master. Watches files and directories through the kernel (inotify(7)), also those that
 * are not there yet. Not the file itself is watched but the directory it is in: editors and deploys put
 * another file in its place.
 *
 * @module
 */

import { dirname } from "@std/path/posix";
import { logLine } from "./log.ts";

/** Changes that come within this time are one (100 ms). */
export const GATHER_MS = 100;

/** Something to watch; of a directory, what is directly in it counts too. */
export interface Watched<T> {
  /** Absolute. */
  readonly path: string;
  readonly what: T;
}

/** Files and directories that trigger something. */
export class FileWatch<T> {
  readonly #onChange: (what: T, path: string) => void;
  #watched: readonly Watched<T>[] = [];
  #watcher: Deno.FsWatcher | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  readonly #changed = new Map<T, string>();

  /** `onChange` is called once for all changes of the same `what` that come together. */
  constructor(onChange: (what: T, path: string) => void) {
    this.#onChange = onChange;
  }

  /** Watches these from now on, and nothing else. */
  watch(watched: readonly Watched<T>[]): void {
    this.#watched = watched;
    this.#open();
  }

  /** Stops watching. */
  close(): void {
    this.watch([]);
    clearTimeout(this.#timer ?? undefined);
    this.#changed.clear();
  }

  /** The new watcher is there before the old one goes, so that nothing is missed. */
  #open(): void {
    const before = this.#watcher;
    const directories = new Set(this.#watched.flatMap(({ path }) => directoriesOf(path)));
    this.#watcher = directories.size === 0 ? null : watcherOf([...directories]);
    if (this.#watcher !== null) void this.#follow(this.#watcher);
    before?.close();
  }

  async #follow(watcher: Deno.FsWatcher): Promise<void> {
    for await (const { kind, paths } of watcher) {
      // Looking at a file is no change, and workers do it whenever they start.
      if (kind === "access" || watcher !== this.#watcher) continue;
      const shifted = paths.some((path) => this.#note(path));
      if (shifted && (kind === "create" || kind === "remove" || kind === "rename")) this.#open();
    }
  }

  /** True if what is watched may be another thing now. */
  #note(changed: string): boolean {
    let shifted = false;
    for (const { path, what } of this.#watched) {
      const above = path.startsWith(`${changed}/`);
      if (above || changed === path) shifted = true;
      // A directory above it that comes brings it along; one that goes takes it away.
      if (above || changed === path || dirname(changed) === path) this.#gather(what, path);
    }
    return shifted;
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
    const reason = error instanceof Error ? error.message : String(error);
    const text = `Cannot watch files: ${reason}: see fs.inotify.max_user_watches in inotify(7)`;
    logLine("error", text, { event: "notWatching" });
    return null;
  }
}
