/**
 * Runs in the worker. The request log: takes the facts of each request from whatever serves it, and
 * writes a line when its response has been sent.
 *
 * @module
 */

import type { RequestLogSettings } from "../../protocol/request_log.ts";
import { requestMarks } from "../request_marks.ts";
import { escapeText } from "./escape.ts";
import { compileFilters, type Match } from "./filter.ts";
import { compileFormat, type LineFormat } from "./format.ts";
import { LineBuffer } from "./line_buffer.ts";
import type { RequestFacts, RequestOutcome, WorkerFacts } from "./record.ts";

/** A request that has begun. */
export interface OpenRequest {
  /** The object that the script knows it by. */
  readonly request: object;
  readonly facts: RequestFacts;
  /** In milliseconds since the epoch. */
  readonly startedAt: number;
  /** By `performance.now()`. */
  readonly since: number;
}

/** What a request log is made of. */
export interface RequestLogSetup {
  readonly settings: RequestLogSettings;
  readonly worker: WorkerFacts;
  /** Writes lines, one or more, in order. */
  readonly write: (lines: readonly string[]) => void;
}

/** The request log of this process. */
export class RequestLog {
  /** The headers that {@linkcode RequestFacts} must have, in lower case. */
  readonly headers: readonly string[];
  readonly #line: LineFormat["line"];
  readonly #wanted: Match;
  readonly #lines: LineBuffer;
  readonly #forwarded: number;
  readonly #streams = new Map<OpenRequest, RequestOutcome>();

  /** Compiles what the settings say. */
  constructor({ settings, worker, write }: RequestLogSetup) {
    const { headers, line } = compileFormat(settings, worker);
    this.headers = settings.forwardedFor ? [...headers, "x-forwarded-for"] : headers;
    this.#forwarded = settings.forwardedFor ? headers.length : -1;
    this.#line = line;
    this.#wanted = settings.onlyMatches ? compileFilters(settings.filters) : () => true;
    this.#lines = new LineBuffer(write);
  }

  /** A request begins. What it returns belongs to {@linkcode end}, which must be called once. */
  begin(request: object, facts: RequestFacts): OpenRequest {
    return { request, facts, startedAt: Date.now(), since: performance.now() };
  }

  /** The response is a stream, which is over when `sent` says so, or with the process. */
  stream(open: OpenRequest, outcome: RequestOutcome, sent: Promise<void>): void {
    this.#streams.set(open, outcome);
    const end = (failed: boolean) => {
      if (this.#streams.delete(open)) this.end(open, { ...outcome, failed });
    };
    sent.then(() => end(false), () => end(true));
  }

  /** The response has been sent, or could not be. */
  end(open: OpenRequest, outcome: RequestOutcome): void {
    const durationMs = Math.max(0, performance.now() - open.since);
    const marks = requestMarks(open.request);
    if (!this.#wanted(outcome, durationMs) && marks?.logged !== true) return;
    const facts = this.#forwarded < 0 ? open.facts : forwarded(open.facts, this.#forwarded);
    const { startedAt } = open;
    const variables = marks?.variables;
    this.#lines.add(this.#line({ facts, startedAt, durationMs, outcome, variables }));
  }

  /** Writes what waits, now. */
  flush(): void {
    this.#lines.flush();
  }

  /** The process ends: streams that are still being sent are cut off. */
  close(): void {
    for (const [open, outcome] of this.#streams) this.end(open, { ...outcome, failed: true });
    this.#streams.clear();
    this.flush();
  }
}

function forwarded(facts: RequestFacts, place: number): RequestFacts {
  const first = facts.headers[place]?.split(",", 1)[0]?.trim() ?? "";
  return first === "" ? facts : { ...facts, address: escapeText(first) };
}
