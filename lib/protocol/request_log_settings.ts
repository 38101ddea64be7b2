/**
 * What a worker is told about the request log it is to write.
 *
 * @module
 */

/** The request log of an instance. */
export interface RequestLogSettings {
  /** How a line looks (`log-format`); empty: the default line. */
  readonly format: string;
  /** Whether each line is a JSON object. */
  readonly json: boolean;
  /** Only what one of the filters matches is logged (`disable-logging`). */
  readonly onlyMatches: boolean;
  /** The filters, any of which is enough. */
  readonly filters: RequestFilters;
  /** The default line tells the duration in microseconds (`log-micros`). */
  readonly micros: boolean;
  /** The client is who X-Forwarded-For names first (`log-x-forwarded-for`). */
  readonly forwardedFor: boolean;
  /** The default line tells the memory of the worker (`memory-report`). */
  readonly memory: boolean;
}

/** Which requests are logged in spite of `disable-logging`. */
export interface RequestFilters {
  /** Status 400 to 499 (`log-4xx`). */
  readonly clientErrors: boolean;
  /** Status 500 to 599 (`log-5xx`). */
  readonly serverErrors: boolean;
  /** No body (`log-zero`). */
  readonly zero: boolean;
  /** It took at least this long, in milliseconds (`log-slow`); 0: not a filter. */
  readonly slowMs: number;
  /** The body has at least this many bytes (`log-big`); 0: not a filter. */
  readonly bigBytes: number;
}
