/**
 * Runs in the worker. The watch of its clients, once it is loaded: later than the script, or before it in
 * workers that can load nothing later.
 *
 * @module
 */

import { lazyImport, loadedOnce } from "../../lazy_import.ts";
import type { Wait } from "../draining/drain.ts";

/** What looks at the clients of this worker. */
export interface ClientsWatch {
  /**
   * Goes on until {@linkcode end}.
   *
   * @param isToAccept True while the master takes this worker for one that accepts.
   */
  begin(isToAccept: () => boolean): void;
  /** The worker leaves. */
  end(): void;
  /** Waits for its clients then, and ends what they only keep. */
  takeLeave(wait: Wait): Promise<boolean>;
}

let watch: ClientsWatch | null = null;

/** Called by the preload of workers that can load nothing later. */
export function useWatch(made: ClientsWatch): void {
  watch = made;
}

/** The watch; null: it is not loaded yet. */
export function preloadedWatch(): ClientsWatch | null {
  return watch;
}

/** Loads the watch. */
export const loadedWatch: () => Promise<ClientsWatch> = loadedOnce(async () => {
  const { clientsWatch } = await lazyImport<typeof import("./watch.ts")>(
    import.meta.resolve("./watch.ts"),
  );
  watch = clientsWatch();
  return watch;
});
