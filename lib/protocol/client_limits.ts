/**
 * What a worker is told about the limits of its clients, and about how it takes leave of them.
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
  /** How it takes leave of them when it leaves. */
  readonly leave: LeavePaces;
}

/** How fast a worker that leaves ends what its clients only keep. */
export interface LeavePace {
  /** How long a connection must have been idle to be ended, in milliseconds. */
  readonly idleMs: number;
  /** When WebSockets and event streams are ended, in milliseconds; null: shortly before the mercy is over. */
  readonly lastingMs: number | null;
}

/** How fast it does so, by why it leaves. */
export interface LeavePaces {
  /** Nobody comes after it (`keepalive-stop-mercy`). */
  readonly stop: LeavePace;
  /** It has a successor (`keepalive-reload-mercy`). */
  readonly reload: LeavePace;
}
