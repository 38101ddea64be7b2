/**
 * Runs in the worker. What is known of a request beside itself: what the script has to say about it in
 * the request log, and what a proxy has said in the uwsgi protocol. It belongs to the request object that
 * the script was given, because requests overlap, and goes with it.
 *
 * @module
 */

/** What was said of one request. */
export interface RequestMarks {
  /** Variables for `log-format`, by name. */
  readonly variables: Map<string, string>;
  /** True: it is logged, whatever the filters say. */
  logged: boolean;
}

let marks: WeakMap<object, RequestMarks> | null = null;

/** What was said of this request; undefined: nothing. */
export function requestMarks(request: object): RequestMarks | undefined {
  return marks?.get(request);
}

/** The same, to say something. */
export function markRequest(request: object): RequestMarks {
  marks ??= new WeakMap();
  let marked = marks.get(request);
  if (marked === undefined) marks.set(request, marked = { variables: new Map(), logged: false });
  return marked;
}

let variables: WeakMap<object, ReadonlyMap<string, string>> | null = null;

/** The variables with which a request came in the uwsgi protocol; null: it came otherwise. */
export function requestVariables(request: object): ReadonlyMap<string, string> | null {
  return variables?.get(request) ?? null;
}

/** Remembers them as long as the request is there. */
export function keepRequestVariables(request: object, all: ReadonlyMap<string, string>): void {
  variables ??= new WeakMap();
  variables.set(request, all);
}
