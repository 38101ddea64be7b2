/**
 * Runs in the worker. Shows in the worker's process row how many requests are at work, and with `harakiri`
 * which one of them is the oldest: the master names it in its log, also when this process has no turn
 * to do so any more.
 *
 * A request is at work until its handler has a response: a stream that a client listens to for hours
 * is no request that hangs.
 *
 * @module
 */

import type { ProcessRow } from "../../shared_memory/process_row.ts";

/** What a request is named by. */
export type NamedRequest = Pick<Request, "method" | "url">;

/** A request at work: a link in the chain of all of them, oldest first. */
export interface ActiveRequest {
  readonly request: NamedRequest;
  readonly since: number;
  before: ActiveRequest | null;
  after: ActiveRequest | null;
}

/** The requests at work in this process. */
export class InFlight {
  readonly #processRow: ProcessRow;
  readonly #named: boolean;
  readonly #showInFlight: (count: number) => void;
  #count = 0;
  #oldest: ActiveRequest | null = null;
  #newest: ActiveRequest | null = null;

  /** `named`: the oldest request is shown. Else a request costs one store as it begins and one as it ends. */
  constructor(processRow: ProcessRow, named: boolean) {
    this.#processRow = processRow;
    this.#named = named;
    this.#showInFlight = processRow.setter("inFlight");
  }

  /** A request begins. What it returns belongs to {@linkcode end}. */
  begin(request: NamedRequest): ActiveRequest | null {
    this.#showInFlight(++this.#count);
    if (!this.#named) return null;
    // The clock's second has begun already: what counts is the next one.
    const since = this.#processRow.clock.now + 1;
    const flight: ActiveRequest = { request, since, before: this.#newest, after: null };
    if (this.#newest === null) this.#oldest = flight;
    else this.#newest.after = flight;
    this.#newest = flight;
    if (this.#oldest === flight) this.#show(flight);
    return flight;
  }

  /** The request has its response, or its handler threw. */
  end(flight: ActiveRequest | null): void {
    this.#showInFlight(--this.#count);
    if (flight === null) return;
    const { before, after } = flight;
    if (after === null) this.#newest = before;
    else after.before = before;
    if (before !== null) return void (before.after = after);
    this.#oldest = after;
    this.#show(after);
  }

  #show(flight: ActiveRequest | null): void {
    if (flight === null) return this.#processRow.showOldest(null);
    this.#processRow.showOldest({ since: flight.since, name: nameOf(flight.request) });
  }
}

/** What comes before a URL's path: scheme and host are the same for most requests of a server. */
const ORIGIN = /^[a-z+]+:\/\/[^/?#]*/;

function nameOf(request: NamedRequest): string {
  return `${request.method} ${request.url.replace(ORIGIN, "")}`;
}
