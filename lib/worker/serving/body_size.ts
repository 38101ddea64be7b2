/**
 * Runs in the worker. The size of a response's body, without touching it: asking a response for its body
 * or its headers would take it off the fast path of `Deno.serve`, and that costs more than to answer.
 * So this looks where Deno itself keeps them. Where a version of Deno keeps them elsewhere, sizes are
 * not known.
 *
 * @module
 */

/** What Deno keeps of a body. */
interface InnerBody {
  /** What it was made from; null: a stream. */
  readonly source: unknown;
  /** Bytes; null: it is a text, or not known. */
  readonly length: number | null;
  /** What is sent: a stream, or an object that holds all of it. */
  readonly streamOrStatic: unknown;
}

/** What Deno keeps of a response. */
interface InnerResponse {
  readonly body: InnerBody | null;
  readonly headerList: readonly (readonly [name: string, value: string])[];
}

type Internals = Readonly<Record<symbol, unknown>>;

/** Where they are. */
interface Places {
  readonly fastBody: symbol;
  readonly inner: symbol;
}

/** Found with the first response: a worker that starts does not wait for Deno to load responses. */
let places: Places | null = null;

function knownPlaces(): Places {
  return places ??= findPlaces();
}

function findPlaces(): Places {
  const symbols = Object.getOwnPropertySymbols(new Response("x"));
  const named = (name: string) =>
    symbols.find(({ description }) => description === name) ?? Symbol(name);
  return { fastBody: named("serve fast body"), inner: named("response") };
}

/**
 * Bytes of the body: of a text, of bytes, of a blob or form, or what a `content-length` header says.
 * 0: there is none, or its size is not known before it is sent.
 */
export function bodySize(response: Response): number {
  return knownBodySize(response) ?? 0;
}

/** The same; null: its size is not known before it is sent. */
export function knownBodySize(response: Response): number | null {
  const internals = response as unknown as Internals;
  const { fastBody, inner: innerAt } = knownPlaces();
  const fast = internals[fastBody];
  if (typeof fast === "string") return textSize(fast);
  const inner = internals[innerAt] as Partial<InnerResponse> | undefined;
  const body = inner?.body;
  if (body === null) return 0;
  if (body === undefined) return null;
  if (typeof body.length === "number") return body.length;
  if (typeof body.source === "string") return textSize(body.source);
  return declaredSize(inner?.headerList);
}

/** True if the body is sent piece by piece, as it comes; also where that cannot be known. */
export function isStreamed(response: Response): boolean {
  const internals = response as unknown as Internals;
  const { fastBody, inner } = knownPlaces();
  if (typeof internals[fastBody] === "string") return false;
  const body = (internals[inner] as Partial<InnerResponse> | undefined)?.body;
  if (body === null) return false;
  return body === undefined || body.streamOrStatic instanceof ReadableStream;
}

/** The body and the content type of a response whose body is a stream; null: it is none, or not known. */
export function streamOf(
  response: Response,
): { readonly body: ReadableStream; readonly type: string | null } | null {
  const internals = response as unknown as Internals;
  const inner = internals[knownPlaces().inner] as Partial<InnerResponse> | undefined;
  const body = inner?.body?.streamOrStatic;
  if (!(body instanceof ReadableStream)) return null;
  return { body, type: headerIn(inner?.headerList, "content-type") };
}

function headerIn(headers: InnerResponse["headerList"] | undefined, wanted: string): string | null {
  return headers?.find(([name]) => name.toLowerCase() === wanted)?.[1] ?? null;
}

function declaredSize(headers: InnerResponse["headerList"] | undefined): number | null {
  const text = headerIn(headers, "content-length") ?? "";
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}

const BEYOND_ASCII = /[\u0080-\uffff]/;
const ENCODER = new TextEncoder();

/** Texts up to this length are remembered, to hold nothing large for long. */
const REMEMBERED = 16_384;

let known = "";
let knownSize = 0;

/** Most texts are ASCII, or short, and asked for once more by the request log. */
function textSize(text: string): number {
  if (text === known) return knownSize;
  const size = BEYOND_ASCII.test(text) ? ENCODER.encode(text).length : text.length;
  if (text.length > REMEMBERED) return size;
  known = text;
  return knownSize = size;
}
