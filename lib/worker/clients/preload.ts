/**
 * Runs in the worker, as a preload of its own and only where the worker is to be a sandbox: what looks at
 * clients is loaded now, because nothing can be loaded later.
 *
 * @module
 */

import { instanceAccess } from "../instance.ts";
import { clientsWatch, type ClientWatch } from "./watch.ts";
import { useWatch } from "./loaded_watch.ts";

const { environment, libc } = instanceAccess()();
if (environment.slot > 0 && libc !== null) {
  let watch: ClientWatch | null = null;
  useWatch({
    // The sandbox is closed by then, and the worker has other operations.
    begin: (isToAccept) => {
      watch ??= clientsWatch();
      watch.begin(isToAccept);
    },
    end: () => watch?.end(),
    takeLeave: (wait) => (watch ??= clientsWatch()).takeLeave(wait),
  });
}
