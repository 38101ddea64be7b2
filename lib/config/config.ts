/**
 * What the rest of the program sees of the configuration: one frozen value, every default applied,
 * durations in milliseconds, paths still as written (relative ones are resolved against
 * {@linkcode Config.chdir}, or the directory the master was started in).
 *
 * Each key has exactly one row in the option table (`options.ts`), which is typed from this
 * interface: a key without a row, or a row with the wrong type, does not compile.
 *
 * @module
 */

import type { Limits } from "../core/policies/limit_settings.ts";
import type { AppsConfig } from "./options/apps.ts";
import type { ClientConfig } from "./options/clients.ts";
import type { LogFileConfig } from "./options/log_file.ts";
import type { LogTargetConfig } from "./options/log_targets.ts";
import type { ProcessConfig } from "./options/process.ts";
import type { ControlConfig } from "./options/control.ts";
import type { CompanionConfig } from "./options/companions.ts";
import type { ExportConfig } from "./options/exporting.ts";
import type { HookConfig } from "./options/hooks.ts";
import type { MetricsConfig } from "./options/metrics.ts";
import type { RequestLogConfig } from "./options/request_log.ts";
import type { PermissionConfig } from "./options/permissions.ts";
import type { ProxyConfig } from "./options/proxy.ts";
import type { ReloadConfig } from "./options/reloading.ts";
import type { RespawnConfig } from "./options/respawn.ts";
import type { ScalingConfig } from "./options/scaling.ts";
import type { StatsConfig } from "./options/stats.ts";
import type { SocketSpec } from "./origin.ts";

/** The configuration of one instance. Built by `resolve.ts` from the option table. */
export interface Config
  extends
    AppsConfig,
    ClientConfig,
    ReloadConfig,
    RespawnConfig,
    ControlConfig,
    Limits,
    ScalingConfig,
    ProcessConfig,
    LogFileConfig,
    RequestLogConfig,
    LogTargetConfig,
    ProxyConfig,
    CompanionConfig,
    ExportConfig,
    HookConfig,
    MetricsConfig,
    PermissionConfig,
    StatsConfig {
  /** Number of worker slots (`processes`). @default 1 */
  readonly processes: number;
  /** Accepted for uWSGI's sake: duwsgi always has a master (`master`). @default true */
  readonly master: boolean;
  /** The user's script, run by each worker (`deno-worker-override`). Empty when not configured. */
  readonly script: string;
  /** Arguments the script finds in `Deno.args` (`worker-argv`), one per use of the option. */
  readonly workerArgv: readonly string[];
  /** Flags passed to `deno run` of each worker (`deno-flag`), one per use of the option. */
  readonly denoFlags: readonly string[];
  /** Environment set for workers (`env = NAME=value`), in order; a later one wins. */
  readonly env: readonly (readonly [name: string, value: string])[];
  /** Directory the master changes to before it looks for script and sockets (`chdir`); empty: stay. */
  readonly chdir: string;

  /**
   * The listening sockets (`socket`, `http-socket`, `https-socket`, `uwsgi-socket`), in the order they
   * were written.
   */
  readonly sockets: readonly SocketSpec[];
  /** Backlog of each listening socket (`listen`). @default 100 */
  readonly listen: number;
  /** One TCP socket per worker slot, shared through SO_REUSEPORT (`reuse-port`). @default true */
  readonly reusePort: boolean;
  /** SO_KEEPALIVE on TCP sockets (`so-keepalive`). @default false */
  readonly soKeepalive: boolean;
  /** Mode of Unix sockets (`chmod-socket`), or null: whatever the umask leaves. @default null */
  readonly chmodSocket: number | null;
  /** Owner of Unix sockets (`chown-socket = user[:group]`, names or numbers). Empty: unchanged. */
  readonly chownSocket: string;
  /** File mode creation mask (`umask`), or null: inherited. @default null */
  readonly umask: number | null;
  /** Remove Unix sockets and pidfiles when the master exits in order (`vacuum`). @default false */
  readonly vacuum: boolean;

  /** Files whose change starts a chain reload (`touch-chain-reload`). */
  readonly touchChainReload: readonly string[];
  /** Files whose change starts a graceful reload of everything (`touch-reload`). */
  readonly touchReload: readonly string[];
  /** Time a new worker has to say `accepting()` (`start-timeout`), ms. @default 60000 */
  readonly startTimeoutMs: number;
  /** Time a worker has to leave once told so (`worker-reload-mercy`), ms. @default 60000 */
  readonly workerReloadMercyMs: number;
  /** Accepted, without effect: SIGTERM always stops (`die-on-term`). @default true */
  readonly dieOnTerm: boolean;

  /** Treat unknown options as errors (`strict`); false makes them warnings. @default true */
  readonly strict: boolean;
}
