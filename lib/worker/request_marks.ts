/**
 * Runs in the worker. What the script has to say in the request log about a request. It belongs to the
 * request object that the script was given, because requests overlap, and goes with it.
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
