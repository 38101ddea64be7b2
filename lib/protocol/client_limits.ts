/**
 * What a worker is told about the limits of its clients.
 *
 * @module
 */

/** How many clients a worker has at a time, and how long they may take. */
export interface ClientLimits {
  /** Most connections (`max-connections`). 0: 80 % of the descriptors that the worker may have. */
  readonly maxConnections: number;
  /** Time for the head of a request from its first byte on (`http-headers-timeout`), in ms. 0: no limit. */
  readonly headersMs: number;
  /** Time without a byte of a body (`http-body-timeout`), in ms. 0: no limit. */
  readonly bodyMs: number;
  /** Time without a request (`http-keepalive-timeout`), in ms. 0: no limit. */
  readonly keepaliveMs: number;
}
