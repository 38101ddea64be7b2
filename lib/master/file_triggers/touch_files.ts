/**
 * Runs in the master. Watches files by their modification time (`touch-reload` and its siblings).
 * uWSGI's rules with two differences: times are compared to the millisecond, and a file that goes away
 * triggers nothing.
 *
 * @module
 */

import { type Cancel, every } from "../../system/timing.ts";
import { writtenPath } from "../../system/files/working_directory.ts";

/** How often the files are looked at (1 s), as in uWSGI. */
export const TOUCH_INTERVAL_MS = 1_000;

/** Files that trigger something. */
export class TouchFiles<T> {
  readonly #onTouch: (what: T, path: string) => void;
  #watched: {
    readonly path: string;
    /** Absolute, through the links that the working directory's name has. */
    readonly place: string;
    readonly what: T;
    last: number | null;
  }[] = [];
  #cancel: Cancel = () => {};

  /** `onTouch` is called for each file that was touched, or has appeared. */
  constructor(onTouch: (what: T, path: string) => void) {
    this.#onTouch = onTouch;
  }

  /** Watches these files from now on, and no others. A path may appear later. */
  watch(files: readonly { readonly path: string; readonly what: T }[]): void {
    const before = new Map(this.#watched.map(({ place, last }) => [place, last]));
    this.#watched = files.map(({ path, what }) => {
      const place = writtenPath(path);
      const last = before.get(place);
      return { path, place, what, last: last === undefined ? modified(place) : last };
    });
    this.#cancel();
    // Without files there is nothing to wake up for.
    if (files.length > 0) this.#cancel = every(TOUCH_INTERVAL_MS, () => this.#look());
  }

  /** Stops watching. */
  close(): void {
    this.watch([]);
  }

  #look(): void {
    for (const file of this.#watched) {
      const now = modified(file.place);
      if (now === null || now === file.last) continue;
      file.last = now;
      this.#onTouch(file.what, file.path);
    }
  }
}

function modified(path: string): number | null {
  try {
    return Deno.statSync(path).mtime?.getTime() ?? null;
  } catch {
    // Not there, or not visible: it may appear later.
    return null;
  }
}
