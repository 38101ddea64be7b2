/**
 * What workers are told of the log: the configuration, with files as descriptors and hosts as numbers.
 * Pure.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import { chainFor, shapesLog, shapesRequests } from "../../config/log_needs.ts";
import type {
  EncoderLine,
  LoggerLine,
  LoggerTarget,
  RouteLine,
} from "../../config/values/log_line.ts";
import type { Address } from "../../system/sockets/address.ts";
import type { RoutingRules } from "../../log/routing.ts";
import type { LogPlan, LogStream, RemoteAddress, TargetPlace } from "../../log/log_plan.ts";

/** What was opened and looked up for a plan. */
export interface PlanPlaces {
  /** The descriptor of a file, and its absolute path. */
  file(path: string): { readonly path: string; readonly fd: number };
  /** The number of a host. */
  host(name: string): string;
}

/** Both logs of an instance; null: plain lines on standard error are all there is. */
export function logPlan(config: Config, places: PlanPlaces): LogPlan | null {
  const { loggers, reqLoggers, logDate: date } = config;
  const stream = (
    lines: readonly LoggerLine[],
    encoders: readonly EncoderLine[],
    rules: RoutingRules,
  ): LogStream => ({
    ...rules,
    date,
    targets: [
      ...lines.map(({ id, target }) => ({
        id,
        place: placeOf(target, places),
        encoders: chainFor(encoders, id),
      })),
      { id: "", place: { kind: "stderr" }, encoders: chainFor(encoders, "") },
    ],
  });
  const log = shapesLog(config)
    ? stream(loggers, config.logEncoders, {
      drains: config.logDrains,
      filters: config.logFilters,
      routes: routes(config.logRoutes),
    })
    : null;
  const request = shapesRequests(config)
    ? stream(reqLoggers.length > 0 ? reqLoggers : loggers, config.logReqEncoders, {
      drains: [],
      filters: [],
      routes: routes(config.logReqRoutes),
    })
    : null;
  return log === null && request === null ? null : { log, request };
}

function routes(lines: readonly RouteLine[]): RoutingRules["routes"] {
  return lines.map(({ id, pattern }) => ({ id, pattern }));
}

function placeOf(target: LoggerTarget, places: PlanPlaces): TargetPlace {
  switch (target.kind) {
    case "stdio":
      return { kind: "stderr" };
    case "file":
      return { kind: "file", ...places.file(target.path) };
    case "socket":
      return { kind: "socket", address: remote(target.address, places) };
    case "syslog": {
      const { kind, transport, tag, facility } = target;
      return { kind, transport, tag, facility, address: remote(target.address, places) };
    }
    case "journal": {
      const address = { kind: "unix", path: target.path, abstract: false } as const;
      return { kind: "journal", tag: target.tag, address };
    }
  }
}

/** An address that something is sent to, as the kernel wants it. */
export function remote(address: Address, places: Pick<PlanPlaces, "host">): RemoteAddress {
  switch (address.kind) {
    case "tcp":
      return { kind: "inet", host: places.host(address.host), port: address.port };
    case "abstract":
      return { kind: "unix", path: address.name, abstract: true };
    case "unix":
      return { kind: "unix", path: address.path, abstract: false };
    default:
      throw new TypeError("A descriptor is no address to send to");
  }
}

/** The names of all hosts that a configuration sends to. */
export function hostsOf(addresses: readonly Address[]): string[] {
  return addresses.flatMap((address) => address.kind === "tcp" ? [address.host] : []);
}
