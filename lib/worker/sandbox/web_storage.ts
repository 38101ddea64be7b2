/**
 * Runs in the worker, where it is a sandbox: takes away what writes to Deno's own directory, or loads drivers,
 * without any permission.
 *
 * @module
 */

/** Properties of the global object whose values are kept in files of DENO_DIR. */
const STORAGE = ["caches", "localStorage", "sessionStorage"] as const;

/** Removes them from the global object of this thread; threads that the script starts have their own. */
export function removeWebStorage(): void {
  for (const name of STORAGE) Reflect.deleteProperty(globalThis, name);
  // Asking for an adapter loads the drivers of the graphics card.
  Reflect.deleteProperty(Object.getPrototypeOf(navigator) as object, "gpu");
}
