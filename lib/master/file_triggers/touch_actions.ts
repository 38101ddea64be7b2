/**
 * The files of a configuration that do something when they are touched.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import type { ReloadKind } from "../../core/state.ts";
import { lazyImport } from "../../lazy_import.ts";

/** What is to be done when a file was touched; it is told why, for the log. */
export type Touched = (why: string) => void;

/** What touching a file can do. */
export interface TouchActions {
  readonly reload: (kind: ReloadKind, why: string) => void;
  /** Opens the log files again; null: there are none. */
  readonly reopenLog: Touched | null;
  /** Renames the log files and opens new ones; null: there are none. */
  readonly rotateLog: Touched | null;
}

/** The files, each with what it does. */
export function touchList(
  config: Config,
  { reload, reopenLog, rotateLog }: TouchActions,
): { readonly path: string; readonly what: Touched }[] {
  const all = (paths: readonly string[], what: Touched | null) =>
    what === null ? [] : paths.map((path) => ({ path, what }));
  return [
    ...all(config.touchReload, (why) => reload("all", why)),
    ...all(config.touchWorkersReload, (why) => reload("workers", why)),
    ...all(config.touchChainReload, (why) => reload("chain", why)),
    ...config.touchExec.map(({ path, command }) => ({
      path,
      what: (why: string) =>
        void lazyImport<typeof import("./touch_exec.ts")>(import.meta.resolve("./touch_exec.ts"))
          .then((
            run,
          ) => run.execute(command, why)),
    })),
    ...all(config.touchLogreopen, reopenLog),
    ...all(config.touchLogrotate, rotateLog),
  ];
}
