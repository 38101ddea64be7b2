/**
 * The options that limit what clients can take of a worker.
 *
 * @module
 */

import type { ClientLimits } from "../../protocol/client_limits.ts";
import * as kind from "../kinds/option_kind.ts";
import type { OptionRows } from "../kinds/option_spec.ts";

/** How many clients a worker has at a time, and how long they may take. */
export interface ClientConfig {
  /** Most connections of a worker (`max-connections`). @default 0, 80 % of its descriptors */
  readonly maxConnections: number;
  /** Time for the head of a request (`http-headers-timeout`), in milliseconds. @default 60000 */
  readonly httpHeadersTimeoutMs: number;
  /** Time without a byte of a body (`http-body-timeout`), in milliseconds. @default 60000 */
  readonly httpBodyTimeoutMs: number;
  /** Time without a request on a connection (`http-keepalive-timeout`), in milliseconds. @default 0 */
  readonly httpKeepaliveTimeoutMs: number;
  /** Time an idle connection has at a stop (`keepalive-stop-mercy`), in milliseconds. @default 1500 */
  readonly keepaliveStopMercyMs: number;
  /** Time it has at a reload (`keepalive-reload-mercy`), in milliseconds. @default 5000 */
  readonly keepaliveReloadMercyMs: number;
}

/** A day is longer than anything that is waited for. */
const DAY_S = 86_400;

/** Their rows. */
export const CLIENT_OPTIONS: OptionRows<ClientConfig> = {
  maxConnections: {
    name: "max-connections",
    aliases: [],
    short: "",
    group: "Limits",
    argument: "N",
    kind: kind.integer(0, 1 << 20),
    default: 0,
    defaultText: "80 % of the descriptors a worker may have",
    onChange: "workers",
    help: "Most connections of clients that a worker has at a time",
    details:
      "With so many it accepts no more, says so in the log, and goes on when there are fewer; further " +
      "clients wait in its queue (`listen`). 0 is 80 % of `max-fd`, or of the limit that the worker " +
      "inherits, less what it has open without clients. Connections of all sockets count, WebSockets " +
      "among them. A worker looks at their number once per second, and ten times when half of them are " +
      "there, so a crowd that comes at once exceeds it. See [Limits](limits.md).",
    example: "max-fd = 4096\nmax-connections = 2000",
  },
  httpHeadersTimeoutMs: {
    name: "http-headers-timeout",
    aliases: [],
    short: "",
    group: "Limits",
    argument: "SECONDS",
    kind: kind.seconds(0, DAY_S),
    default: 60_000,
    onChange: "workers",
    help: "Time a client has to send the head of a request",
    details:
      "0 is no limit. It counts from the first byte, and on a connection without any from its begin. " +
      "Who takes longer is disconnected, within an eighth of the time beyond it. It holds for HTTP over " +
      "TCP; for the uwsgi protocol it is `socket-timeout`, and on Unix sockets the proxy's business. In " +
      "uWSGI the option is about its HTTP router.",
    example: "http-headers-timeout = 10",
  },
  httpBodyTimeoutMs: {
    name: "http-body-timeout",
    aliases: [],
    short: "",
    group: "Limits",
    argument: "SECONDS",
    kind: kind.seconds(0, DAY_S),
    default: 60_000,
    onChange: "workers",
    help: "How long a client may be silent within the body of a request",
    details:
      "0 is no limit. A client that sends nothing for so long while the script waits for the body is " +
      "disconnected. An upload may take as long as it likes, if only something comes. It holds for HTTP " +
      "over TCP, and for the uwsgi protocol.",
    example: "http-body-timeout = 20",
  },
  httpKeepaliveTimeoutMs: {
    name: "http-keepalive-timeout",
    aliases: [],
    short: "",
    group: "Limits",
    argument: "SECONDS",
    kind: kind.seconds(0, DAY_S),
    default: 0,
    onChange: "workers",
    help: "How long a connection may wait for its next request",
    details:
      "0 is no limit. Behind a proxy, leave it off or take more than the proxy itself keeps connections: " +
      "nginx 60 s (`keepalive_timeout` in `upstream`), HAProxy `timeout http-keep-alive`, AWS ALB 60 s. " +
      "Else the proxy may send a request at the moment in which the connection ends, and has to send it " +
      "again. What the worker has begun to read is answered in any case. It holds for HTTP over TCP.",
    example: "http-keepalive-timeout = 75",
  },
  keepaliveStopMercyMs: {
    name: "keepalive-stop-mercy",
    aliases: [],
    short: "",
    group: "Reloading and stopping",
    argument: "SECONDS",
    kind: kind.seconds(0, DAY_S),
    default: 1_500,
    onChange: "workers",
    help: "How long a connection may have been idle when the instance stops",
    details:
      "At a stop, and at each reload with `auto-reload`, a worker that leaves ends connections in order " +
      "on which no request is at work and nothing has come or gone for so long. WebSockets (code 1001) and " +
      "event streams end so long after the worker began to leave. Requests have `worker-reload-mercy`. " +
      "See [Reloading](reloading.md).",
    example: "keepalive-stop-mercy = 0.5",
  },
  keepaliveReloadMercyMs: {
    name: "keepalive-reload-mercy",
    aliases: [],
    short: "",
    group: "Reloading and stopping",
    argument: "SECONDS",
    kind: kind.seconds(0, DAY_S),
    default: 5_000,
    onChange: "workers",
    help: "How long a connection may have been idle when a worker is replaced",
    details:
      "A client that sends sooner is answered with `Connection: close`, and loses nothing. One that has " +
      "been silent for so long sees an orderly end. The longer the time, the fewer clients send at the very " +
      "moment in which their connection ends; the log says if one did. WebSockets and event streams last " +
      "until shortly before `worker-reload-mercy` is over. See [Reloading](reloading.md).",
    example: "keepalive-reload-mercy = 15",
  },
};

/** What workers are told. */
export function clientLimits(
  config: ClientConfig & { readonly autoReload: boolean },
): ClientLimits {
  const { keepaliveStopMercyMs, keepaliveReloadMercyMs, autoReload } = config;
  const stop = { idleMs: keepaliveStopMercyMs, lastingMs: keepaliveStopMercyMs };
  const reload = { idleMs: keepaliveReloadMercyMs, lastingMs: null };
  return {
    maxConnections: config.maxConnections,
    headersMs: config.httpHeadersTimeoutMs,
    bodyMs: config.httpBodyTimeoutMs,
    keepaliveMs: config.httpKeepaliveTimeoutMs,
    // Who develops waits for each reload, and for the one before it.
    leave: { stop, reload: autoReload ? stop : reload },
  };
}
