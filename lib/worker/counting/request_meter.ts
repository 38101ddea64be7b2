/**
 * Runs in the worker. Counts requests where they happen, in the memory that master and workers share:
 * whatever serves them tells it when a request begins and when its response is there. Nothing here
 * waits, and nothing is a system call: a worker that is killed has counted what it has begun.
 *
 * The time of a request is that of its handler. What a client takes to read the response, a stream that
 * it listens to for hours for example, is not in it.
 *
 * @module
 */

import { lazyImport } from "../../lazy_import.ts";
import { latencyBucket } from "../../shared_memory/latency_buckets.ts";
import type { ProcessRow } from "../../shared_memory/process_row.ts";
import type { Scoreboard } from "../../shared_memory/scoreboard.ts";
import { add, COUNT_AT, LIST_AT, type RequestCounters } from "../../shared_memory/counters.ts";
import { after } from "../../system/timing.ts";
import { type ActiveRequest, InFlight, type NamedRequest } from "./in_flight.ts";
import { instanceAccess } from "../instance.ts";

const currentInstance = instanceAccess();

/** A request that has begun; belongs to exactly one of the calls that end it. */
export interface BegunRequest {
  readonly flight: ActiveRequest | null;
  /** By the meter's clock. */
  readonly since: number;
}

/** A clock that may be replaced by a faster one, which goes on where it was. */
export interface Clock {
  /** Microseconds since some moment. */
  now: () => number;
  /** What it showed when the last request began: who is told of that right afterwards need not look again. */
  lastBegin: number;
}

/** What is counted, and where. */
export interface MeterSetup {
  readonly scoreboard: Scoreboard;
  /** Number of the worker's slot. */
  readonly slot: number;
  readonly processRow: ProcessRow;
  /** True if the process row is to show the oldest request. */
  readonly named: boolean;
  /** Microseconds since some moment. */
  readonly clock: () => number;
}

/** Where things are counted: looked up when this is loaded, and not for each request. */
const [REQUESTS_AT, EXCEPTIONS_AT] = [COUNT_AT.requests, COUNT_AT.exceptions];
const [RUNNING_TIME_AT, SENT_AT] = [COUNT_AT.runningTime, COUNT_AT.sent];
const [RESPONSES_AT, LATENCY_AT] = [LIST_AT.responses, LIST_AT.latency];

/** When the clock is replaced by a faster one: not while the worker starts (1 s). */
const FAST_CLOCK_AFTER_MS = 1_000;

/** Looked up once: `performance` is a getter of the global object. */
const now = performance.now.bind(performance);

/** Weight of the newest request in the average. */
const NEWEST = 1 / 16;

/** Counts the requests of this process. */
export class RequestMeter {
  /** What requests are timed by. */
  readonly clock: Clock;
  readonly #inFlight: InFlight;
  readonly #counters: RequestCounters;
  readonly #showAverage: (us: number) => void;
  #average: number;

  /** Nothing is counted yet. */
  constructor({ scoreboard, slot, processRow, named, clock }: MeterSetup) {
    this.clock = { now: clock, lastBegin: 0 };
    this.#inFlight = new InFlight(processRow, named);
    this.#counters = processRow.counters;
    this.#showAverage = scoreboard.averageGauge(slot);
    this.#average = scoreboard.get(slot, "averageTime");
  }

  /** A request begins. */
  begin(request: NamedRequest): BegunRequest {
    add(this.#counters, REQUESTS_AT, 1);
    const flight = this.#inFlight.begin(request);
    return { flight, since: this.clock.lastBegin = this.clock.now() };
  }

  /** Its response is there. */
  answered(request: BegunRequest, status: number, bytes: number): void {
    this.#end(request);
    this.responded(status, bytes);
  }

  /** Its handler threw; the response that follows from that is told with {@linkcode responded}. */
  threw(request: BegunRequest): void {
    this.#end(request);
    add(this.#counters, EXCEPTIONS_AT, 1);
  }

  /** A response is sent for a request that has ended already. */
  responded(status: number, bytes: number): void {
    // Of `Response.error()` it is 0, and node:http knows others: they have no place.
    if (status >= 100 && status < 600) {
      add(this.#counters, RESPONSES_AT + (status / 100 | 0) - 1, 1);
    }
    if (bytes > 0) add(this.#counters, SENT_AT, bytes);
  }

  #end({ flight, since }: BegunRequest): void {
    this.#inFlight.end(flight);
    const us = Math.max(0, this.clock.now() - since);
    add(this.#counters, LATENCY_AT + latencyBucket(us), 1);
    add(this.#counters, RUNNING_TIME_AT, us);
    this.#average = this.#average === 0 ? us : this.#average + (us - this.#average) * NEWEST;
    this.#showAverage(this.#average | 0);
  }
}

let meter: RequestMeter | null = null;

/** The meter of this process. */
export function requestMeter(): RequestMeter {
  if (meter !== null) return meter;
  const { scoreboard, environment, processRow, libc } = currentInstance();
  const { slot, namesRequests: named } = environment;
  const clock = () => now() * 1000;
  const made = meter = new RequestMeter({ scoreboard, slot, processRow, named, clock });
  if (libc !== null) after(FAST_CLOCK_AFTER_MS, () => void speedUp(made.clock));
  return made;
}

/** A worker that may not do it any more, because permissions were taken away, goes on as it is. */
async function speedUp(clock: Clock): Promise<void> {
  const now = await lazyImport<typeof import("../../system/fast_clock.ts")>(
    import.meta.resolve("../../system/fast_clock.ts"),
  ).then(({ fastClock }) => fastClock()).catch(() => null);
  if (now !== null) clock.now = now;
}
