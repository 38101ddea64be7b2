/**
 * Loads modules of duwsgi when they are needed.
 *
 * @module
 */

/**
 * Loads a module of which a plain start has no use:
 * `lazyImport<typeof import("./help.ts")>(import.meta.resolve("./help.ts"))`.
 *
 * A plain `import("./help.ts")` evaluates it just as late. But Deno sees what it names, and reads and
 * analyses all of that before the program begins: a tenth of the time until the workers are started, and
 * 2 MB of the master.
 */
export function lazyImport<M>(url: string): Promise<M> {
  return import(url);
}

/** Calls `load` when it is needed for the first time, and again only after it has failed. */
export function loadedOnce<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | null = null;
  return () =>
    loading ??= load().catch((error) => {
      loading = null;
      throw error;
    });
}
