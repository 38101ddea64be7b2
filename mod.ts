/**
 * duwsgi, the application-server master for Deno: it owns the listening sockets, runs your script in
 * as many worker processes as you say, and replaces them without losing a request.
 *
 * A worker's script imports the module `uwsgi`, which the master injects; its types are these:
 *
 * ```ts
 * import type { Handler } from "@duwsgi/duwsgi";
 *
 * const handler: Handler = (request) => new Response(`You asked for ${request.url}`);
 * ```
 *
 * The program itself is `main.ts`; see the README for a first app and a first reload.
 * {@linkcode parseConfig} and {@linkcode startMaster} are the same for a program that has duwsgi as a
 * library; see docs/library.md.
 *
 * @module
 */

/**
 * duwsgi, the application-server master for Deno: it owns the listening sockets, runs your script in
 * as many worker processes as you say, and replaces them without losing a request.
 *
 * A worker's script imports the module `uwsgi`, which the master injects; its types are these:
 *
 * ```ts
 * import type { Handler } from "@duwsgi/duwsgi";
 *
 * const handler: Handler = (request) => new Response(`You asked for ${request.url}`);
 * ```
 *
 * The program itself is `main.ts`; see the README for a first app and a first reload.
 * {@linkcode parseConfig} and {@linkcode startMaster} are the same for a program that has duwsgi as a
 * library; see docs/library.md.
 *
 * @module
 */

export { type ConfigInput, parseConfig, type ParsedConfig } from "./lib/api/parse_config.ts";
export {
  type LogLine,
  Master,
  type MasterOptions,
  type ReloadWay,
  startMaster,
} from "./lib/api/start_master.ts";
export type { Problem } from "./lib/config/problem.ts";
export type { MasterOutcome } from "./lib/core/event.ts";
export type { SlotChange, SlotFailure, Verdict } from "./lib/core/verdict.ts";
export type { Config } from "./lib/config/config.ts";
export type { CertificateFiles, OptionLine, Origin, SocketSpec } from "./lib/config/origin.ts";
export type { FileCommand } from "./lib/config/kinds/option_kind.ts";
export type { LogTargetConfig } from "./lib/config/options/log_targets.ts";
export type {
  EncoderLine,
  LoggerLine,
  LoggerTarget,
  RouteLine,
} from "./lib/config/values/log_line.ts";
export type {
  AbstractAddress,
  Address,
  FdAddress,
  PassedAddress,
  TcpAddress,
  UnixAddress,
} from "./lib/system/sockets/address.ts";
export type { Encoder, EncoderName } from "./lib/log/encoder.ts";
export type { SocketMapLine } from "./lib/config/values/socket_map.ts";
export type { AppsConfig } from "./lib/config/options/apps.ts";
export type { ClientConfig } from "./lib/config/options/clients.ts";
export type { ControlConfig } from "./lib/config/options/control.ts";
export type { RespawnConfig } from "./lib/config/options/respawn.ts";
export type { ReloadConfig } from "./lib/config/options/reloading.ts";
export type { BusynessConfig } from "./lib/config/options/busyness.ts";
export type { CheaperAlgorithm, ScalingConfig } from "./lib/config/options/scaling.ts";
export type { Limits } from "./lib/core/policies/limit_settings.ts";
export type {
  Permission,
  PermissionConfig,
  PermissionDenials,
  PermissionGrants,
  PermissionKind,
  SandboxWall,
  SandboxWalls,
} from "./lib/config/options/permissions.ts";
export type { ProxyConfig } from "./lib/config/options/proxy.ts";
export type { LogFileConfig } from "./lib/config/options/log_file.ts";
export type { RequestLogConfig } from "./lib/config/options/request_log.ts";
export type { ProcessConfig } from "./lib/config/options/process.ts";
export type { CronLine } from "./lib/config/values/cron_line.ts";
export type { DaemonLine } from "./lib/config/values/daemon_line.ts";
export type { HookActionName, HookLine } from "./lib/config/values/hook_line.ts";
export type { CompanionConfig } from "./lib/config/options/companions.ts";
export type { StatsConfig } from "./lib/config/options/stats.ts";
export type { HookConfig, HookPhase } from "./lib/config/options/hooks.ts";
export type { ExportConfig } from "./lib/config/options/exporting.ts";
export type { PusherLine, PusherTarget } from "./lib/config/values/pusher_line.ts";
export type { MetricsConfig } from "./lib/config/options/metrics.ts";
export type { MetricLine, MetricType, ThresholdLine } from "./lib/config/values/metric_line.ts";
export type { ArithmeticCollector, MetricCollector } from "./lib/core/policies/metrics.ts";
export type { Phase, ReloadKind } from "./lib/core/state.ts";
export type { ReloadOutcome } from "./lib/core/verdict.ts";
export type { WorkerState } from "./lib/core/worker_table.ts";
export type { CronSchedule } from "./lib/core/policies/cron_schedule.ts";
export type {
  Handler,
  LeaveCause,
  MetricHistogram,
  ModuleOptions,
  ReloadHandler,
  Retirement,
  ServeOptions,
  Server,
  Servers,
  UwsgiSocket,
  WorkerInfo,
} from "./lib/worker/uwsgi.ts";
export type { MasterMessage, RetireReason, WorkerMessage } from "./lib/protocol/message.ts";
export type {
  Latency,
  Stats,
  StatsCore,
  StatsCron,
  StatsDaemon,
  StatsMetric,
  StatsProcess,
  StatsReload,
  StatsSocket,
  StatsVerdict,
  StatsWorker,
} from "./lib/stats/stats.ts";
export { LATENCY_BOUNDS_US } from "./lib/stats/stats.ts";
export { EXIT, type ExitKind, type ExitName, UserError } from "./lib/errors.ts";
export { VERSION } from "./lib/version.ts";
