/**
 * What a worker is told about proxies in front of its sockets.
 *
 * @module
 */

/** How sockets behind a proxy are served. */
export interface ProxySettings {
  /** Most bytes of the variables of a request in the uwsgi protocol (`buffer-size`). */
  readonly bufferSize: number;
  /** How long a proxy has for what it sends in front of a request (`socket-timeout`). */
  readonly timeoutMs: number;
  /** Proxies whose X-Forwarded headers are believed (`forwarded-allow-ips`), as configured. */
  readonly forwardedFrom: readonly string[];
}
