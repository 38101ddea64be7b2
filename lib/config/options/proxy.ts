/**
 * The options for sockets that a proxy is in front of.
 *
 * @module
 */

import type { ProxySettings } from "../../protocol/proxy_settings.ts";
import * as kind from "../kinds/option_kind.ts";
import type { OptionRows } from "../kinds/option_spec.ts";
import type { SocketSpec } from "../origin.ts";

/** What is spoken with a proxy, and how much of it. */
export interface ProxyConfig {
  /** What is spoken on a `socket` (`protocol`). @default "http" */
  readonly protocol: "http" | "uwsgi";
  /** Most bytes of a request's variables in the uwsgi protocol (`buffer-size`). @default 4096 */
  readonly bufferSize: number;
  /** Time for what precedes a request (`socket-timeout`), in milliseconds. @default 4000 */
  readonly socketTimeoutMs: number;
  /** Proxies whose X-Forwarded headers are believed (`forwarded-allow-ips`). */
  readonly forwardedAllowIps: readonly string[];
  /** Connections to HTTP sockets begin with a PROXY header (`enable-proxy-protocol`). @default false */
  readonly enableProxyProtocol: boolean;
}

/** Their rows. */
export const PROXY_OPTIONS: OptionRows<ProxyConfig> = {
  protocol: {
    name: "protocol",
    aliases: ["socket-protocol"],
    short: "",
    group: "Sockets",
    argument: "http|uwsgi",
    kind: kind.choice("http", "uwsgi"),
    default: "http",
    onChange: "exec",
    help: "What servers of the uwsgi module speak on a socket",
    details:
      "It is about `socket` alone: the other names say what is spoken. In uWSGI the default is the " +
      "uwsgi protocol, which a worker override there would have to speak by itself. See nginx.md.",
    example: "protocol = uwsgi\nsocket = /run/app.sock",
  },
  bufferSize: {
    name: "buffer-size",
    aliases: [],
    short: "b",
    group: "Sockets",
    argument: "BYTES",
    kind: kind.integer(1024, 65535),
    default: 4096,
    onChange: "workers",
    help: "Most bytes that the variables of a request in the uwsgi protocol may have",
    details:
      "The headers are among them; the body is not. A request with more is answered with status 431, " +
      "and the log says so. The protocol itself has a limit of 65535. For HTTP, Deno has its own.",
    example: "buffer-size = 16384",
  },
  socketTimeoutMs: {
    name: "socket-timeout",
    aliases: [],
    short: "z",
    group: "Sockets",
    argument: "SECONDS",
    kind: kind.seconds(0.1, 3600),
    default: 4_000,
    onChange: "workers",
    help: "Time a proxy has to send the variables of a request in the uwsgi protocol",
    details:
      "Who takes longer is answered with status 408. Unlike in uWSGI, bodies are not meant: how long a " +
      "client may be silent within them is for the proxy to say, which knows it.",
    example: "socket-timeout = 10",
  },
  forwardedAllowIps: {
    name: "forwarded-allow-ips",
    aliases: [],
    short: "",
    group: "Sockets",
    argument: "ADDRESS[/BITS]",
    kind: kind.networks,
    default: [],
    defaultText: "none, and nothing is loaded for it",
    onChange: "workers",
    help: "Proxy whose X-Forwarded-For, -Proto and -Host headers are believed",
    details:
      "An address, a network such as `10.0.0.0/8`, `unix` for all that come over Unix sockets, `*` for " +
      "everybody, or several of them with commas between. Requests from there have the client, scheme " +
      "and host that the headers tell, see nginx.md; all others have what their connection tells. " +
      "uWSGI leaves it to the application; the name is gunicorn's.",
    example: "forwarded-allow-ips = 127.0.0.1,10.0.0.0/8\nforwarded-allow-ips = unix",
  },
  enableProxyProtocol: {
    name: "enable-proxy-protocol",
    aliases: [],
    short: "",
    group: "Sockets",
    argument: "[BOOLEAN]",
    kind: kind.flag,
    default: false,
    onChange: "workers",
    help: "Expect a header of the PROXY protocol on each connection to a socket that speaks HTTP",
    details:
      "Versions 1 and 2. As in uWSGI it is about HTTP alone; unlike there, a connection without the " +
      "header is closed, because any client could send one otherwise, and version 2 is understood. " +
      "It costs a copy of everything, see nginx.md.",
    example: "enable-proxy-protocol = true",
  },
};

/** What workers are told. */
export function proxySettings(config: ProxyConfig): ProxySettings {
  return {
    bufferSize: config.bufferSize,
    timeoutMs: config.socketTimeoutMs,
    forwardedFrom: config.forwardedAllowIps,
  };
}

/** The sockets as they are to be served: with `protocol = uwsgi`, `socket` means `uwsgi-socket`. */
export function withProtocol(
  sockets: readonly SocketSpec[],
  protocol: ProxyConfig["protocol"],
): readonly SocketSpec[] {
  if (protocol === "http") return sockets;
  return sockets.map((spec) =>
    spec.option === "socket" ? { ...spec, option: "uwsgi-socket" } : spec
  );
}

/** True if the uwsgi protocol is spoken on one of the sockets. */
export function speaksUwsgi({ sockets }: { readonly sockets: readonly SocketSpec[] }): boolean {
  return sockets.some(({ option }) => option === "uwsgi-socket");
}

/** True if connections on one of the sockets begin with a header of the PROXY protocol. */
export function expectsProxyHeader(
  { sockets, enableProxyProtocol }: Pick<ProxyConfig, "enableProxyProtocol"> & {
    readonly sockets: readonly SocketSpec[];
  },
): boolean {
  return enableProxyProtocol &&
    sockets.some(({ option }) => option === "socket" || option === "http-socket");
}
