/**
 * The configuration that workers are run with.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import type { ModuleOptions } from "../protocol/worker_environment.ts";

/** A configuration together with what `uwsgi.opt` shows of it. */
export interface RunConfig {
  readonly config: Config;
  readonly opt: ModuleOptions;
}
