/**
 * Runs in the worker. The request log: takes the facts of each request from whatever serves it, and
 * writes a line when its response has been sent.
 *
 * @module
 */

import type { RequestLogSettings } from "../../protocol/request_log_settings.ts";
import { requestMarks } from "../counting/request_annotations.ts";
import type { Clock } from "../counting/request_meter.ts";
import { Batch } from "./batch.ts";
import { compileFilters, type Match } from "./filter.ts";
import { compileFormat, type LineFormat } from "./format.ts";
import type { RequestFacts, RequestRecord, WorkerFacts } from "../request_record.ts";

/** What a request log is made of. */
export interface RequestLogSetup {
  readonly settings: RequestLogSettings;
  readonly worker: WorkerFacts;
  /** What requests are timed by. */
  readonly clock: Clock;
  /** Writes lines, one or more, in order. */
  readonly write: (lines: readonly string[]) => void;
}

/** The request log of this process. */
export class RequestLog {
  /** The headers that {@linkcode RequestFacts} must have, in lower case. */
  readonly headers: readonly string[];
  readonly #line: LineFormat["line"];
  readonly #wanted: Match;
  readonly #over: Batch<RequestRecord>;
  readonly #forwarded: number;
  readonly #clock: Clock;
  readonly #streams = new Set<RequestRecord>();

  /** Compiles what the settings say. */
  constructor({ settings, worker, clock, write }: RequestLogSetup) {
    const { headers, line } = compileFormat(settings, worker);
    this.headers = settings.forwardedFor ? [...headers, "x-forwarded-for"] : headers;
    this.#forwarded = settings.forwardedFor ? headers.length : -1;
    this.#line = line;
    this.#wanted = settings.onlyMatches ? compileFilters(settings.filters) : () => true;
    this.#clock = clock;
    this.#over = new Batch((records) => write(this.#linesOf(records)));
  }

  /** A request has begun, and the meter knows that. What it returns belongs to {@linkcode end}. */
  begin(request: object, facts: RequestFacts): RequestRecord {
    const { method, uri, address, port, secure, protocol, headers } = facts;
    return {
      method,
      uri,
      address,
      port,
      secure,
      protocol,
      headers,
      request,
      since: this.#clock.lastBegin,
      startedAt: 0,
      durationMs: 0,
      status: 0,
      bytes: null,
      failed: false,
      variables: undefined,
    };
  }

  /** The response is a stream, which is over when `sent` says so, or with the process. */
  stream(record: RequestRecord, status: number, bytes: number | null, sent: Promise<void>): void {
    record.status = status;
    record.bytes = bytes;
    this.#streams.add(record);
    const end = (failed: boolean) => {
      if (this.#streams.delete(record)) this.end(record, status, bytes, failed);
    };
    sent.then(() => end(false), () => end(true));
  }

  /**
   * The response has been sent, or could not be.
   *
   * @param bytes Of its body; null: not known.
   * @param failed It ended too early, as far as the server says so.
   */
  end(record: RequestRecord, status: number, bytes: number | null, failed: boolean): void {
    record.durationMs = Math.max(0, this.#clock.now() - record.since) / 1000;
    record.status = status;
    record.bytes = bytes;
    record.failed = failed;
    const marks = record.request === null ? undefined : requestMarks(record.request);
    if (!this.#wanted(record) && marks?.logged !== true) return;
    record.variables = marks?.variables;
    // Its line is made later, and needs nothing of the script's.
    record.request = null;
    this.#over.add(record);
  }

  #linesOf(records: readonly RequestRecord[]): string[] {
    const place = this.#forwarded;
    // The clock of the day may be set while a request is under way; that of requests goes on.
    const epoch = Date.now() - this.#clock.now() / 1000;
    return records.map((record) => {
      record.startedAt = epoch + record.since / 1000;
      return this.#line(place < 0 ? record : forwarded(record, place));
    });
  }

  /** Writes what waits, now. */
  flush(): void {
    this.#over.flush();
  }

  /** The process ends: streams that are still being sent are cut off. */
  close(): void {
    for (const record of this.#streams) this.end(record, record.status, record.bytes, true);
    this.#streams.clear();
    this.flush();
  }
}

function forwarded(record: RequestRecord, place: number): RequestRecord {
  const first = record.headers[place]?.split(",", 1)[0]?.trim() ?? "";
  return first === "" ? record : { ...record, address: first };
}
