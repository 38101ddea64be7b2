/**
 * Runs in the worker. What a request in the uwsgi protocol begins with: a packet of variables, as uWSGI's
 * documentation has it (Protocol.html). Four bytes (modifier1, size of the rest in little endian,
 * modifier2), then names and values, each behind its length in two bytes. Pure.
 *
 * @module
 */

/** Bytes in front of the variables. */
export const HEADER_BYTES = 4;

/** The variables of a request, in the order they were sent; a name may come again. */
export type Variables = readonly (readonly [name: string, value: string])[];

/** Why a request is not served. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  /** Status of the answer. */
  readonly status: number;

  /** The message is for whoever runs the instance. */
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * Size of the variables in bytes.
 *
 * @param header The first {@linkcode HEADER_BYTES} bytes.
 * @param limit How many bytes of variables there may be (`buffer-size`).
 * @throws {Refusal} If it is no request, or one with too many bytes.
 */
export function variablesSize(header: Uint8Array, limit: number): number {
  const [modifier = 0, low = 0, high = 0] = header;
  if (/[A-Z]/.test(String.fromCharCode(modifier))) {
    throw new Refusal(400, "this looks like HTTP, but the socket speaks the uwsgi protocol");
  }
  if (modifier !== 0) {
    throw new Refusal(400, `modifier1 is ${modifier}, but only requests (0) are served`);
  }
  const size = low + high * 256;
  if (size <= limit) return size;
  throw new Refusal(431, `the variables have ${size} bytes, but buffer-size is ${limit}`);
}

/**
 * Reads the variables. Bytes beyond ASCII become one character each.
 *
 * @param bytes All of them, without what is in front.
 * @throws {Refusal} If a length leads out of the packet, or a name is empty.
 */
export function readVariables(bytes: Uint8Array): Variables {
  const variables: [string, string][] = [];
  let at = 0;
  const take = (): string => {
    const [low, high] = [bytes[at], bytes[at + 1]];
    if (low === undefined || high === undefined) throw broken(at);
    const from = at + 2;
    const to = from + low + high * 256;
    if (to > bytes.length) throw broken(at);
    at = to;
    return oneCharacterEach(bytes.subarray(from, to));
  };
  while (at < bytes.length) {
    const start = at;
    const name = take();
    if (name === "") throw broken(start);
    variables.push([name, take()]);
  }
  return variables;
}

function broken(at: number): Refusal {
  return new Refusal(400, `the variables are malformed at byte ${at}`);
}

function oneCharacterEach(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
