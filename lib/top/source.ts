/**
 * Where documents of a stats server come from: an address that sends one to everybody who connects, or
 * who asks by HTTP.
 *
 * @module
 */

import { errorText, UserError } from "../errors.ts";
import { parseConnectAddress } from "../system/sockets/connect_address.ts";
import { fulfilledWithin } from "../system/timing.ts";

/** Something that says what an instance is doing. */
export interface InstanceSource {
  /** As it was written, for people. */
  readonly name: string;
  /** The host it is on; null: this one, whatever else is to be said. */
  readonly host: string | null;
  /**
   * The document, as the server sent it.
   *
   * @throws {UserError} If there is none.
   */
  readonly fetch: () => Promise<unknown>;
}

/** A server that has said nothing for so long is given up (5 s). */
const PATIENCE_MS = 5_000;
/** What is longer is no document (64 MiB). */
const LONGEST_BYTES = 64 * 1024 * 1024;

/**
 * The source at an address: `host:port`, `http://host:port`, a path, or `@name`.
 *
 * @throws {UserError} If it is no address that somebody can listen on.
 */
export function addressSource(text: string): InstanceSource {
  if (/^https?:\/\//i.test(text)) return httpSource(text);
  try {
    const { name, host, connect } = parseConnectAddress(text);
    return socketSource(name, host, connect);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UserError("configuration", `top: "${text}" is no address: ${error.message}`);
  }
}

function httpSource(text: string): InstanceSource {
  const url = URL.parse(text);
  if (url === null) throw new UserError("configuration", `top: "${text}" is no URL`);
  if (url.pathname === "/") url.pathname = "/stats";
  return {
    name: text,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    fetch: async () => {
      try {
        const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
        const body = await response.text();
        if (response.status === MISDIRECTED) {
          throw new Error(`it takes no requests for ${url.host}: see its metrics-http-hosts`);
        }
        if (!response.ok) throw new Error(`${url} answers with status ${response.status}`);
        return parsed(body, text);
      } catch (error) {
        if (error instanceof UserError) throw error;
        if (error instanceof DOMException && error.name === "TimeoutError") throw silent(text);
        throw unreachable(text, reasonOf(error));
      }
    },
  };
}

/** The status for a host that the server does not know (RFC 9110, 15.5.20). */
const MISDIRECTED = 421;

function socketSource(
  name: string,
  host: string | null,
  connect: () => Promise<Deno.Conn>,
): InstanceSource {
  // With stats-http it waits for a request, which is noticed once.
  let patienceMs = SILENCE_MS;
  const fetch = async () => {
    const { text, asked } = await readFrom(name, connect, patienceMs);
    if (asked) patienceMs = 0;
    return parsed(asked ? text.replace(HTTP_HEAD, "") : text, name);
  };
  return { name, host, fetch };
}

/** Who has not begun to send by then waits for a request (1 s). */
const SILENCE_MS = 1_000;
const REQUEST = new TextEncoder().encode("GET /stats HTTP/1.0\r\n\r\n");
const HTTP_HEAD = /^HTTP\/[^]*?\r\n\r\n/;

/** Everything that is sent until the end, and whether it had to be asked for. */
async function readFrom(
  name: string,
  connect: () => Promise<Deno.Conn>,
  silenceMs: number,
): Promise<{ readonly text: string; readonly asked: boolean }> {
  const connecting = connect();
  let text: string | null = null;
  let failure: unknown = null;
  let asked = false;
  const reading = connecting.then(async (connection) => {
    const timer = setTimeout(() => {
      asked = true;
      // If it cannot be written, there is nothing to be read either.
      connection.write(REQUEST).catch(() => {});
    }, silenceMs);
    try {
      const counted = limited(connection.readable, () => clearTimeout(timer));
      text = await new Response(counted).text();
    } finally {
      clearTimeout(timer);
    }
  }).catch((error) => failure = error);
  if (!await fulfilledWithin(reading, PATIENCE_MS)) {
    // Also a connection that comes about only now.
    connecting.then((connection) => connection.close()).catch(() => {});
    throw silent(name);
  }
  if (text === null) throw unreachable(name, reasonOf(failure));
  return { text, asked };
}

function limited(stream: ReadableStream<Uint8Array<ArrayBuffer>>, onBytes: () => void) {
  let length = 0;
  return stream.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        onBytes();
        length += chunk.length;
        if (length > LONGEST_BYTES) throw new RangeError("it sends more than a document can have");
        controller.enqueue(chunk);
      },
    }),
  );
}

function parsed(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const sent = text === "" ? "nothing" : "what is not JSON";
    throw unreachable(name, `it sends ${sent}, so it is no stats server`);
  }
}

function silent(name: string): UserError {
  const advice = name.includes(":") ? "" : ": if it is a control-socket, write --socket before it";
  return unreachable(name, `it does not answer within ${PATIENCE_MS / 1000} s${advice}`);
}

function unreachable(name: string, reason: string): UserError {
  return new UserError("unreachable", `No stats from ${name}: ${reason}`);
}

function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such socket";
  if (error instanceof Deno.errors.ConnectionRefused) return "nobody listens there";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  // What fetch() has to say is in the causes.
  const { cause } = error instanceof Error ? error : { cause: undefined };
  if (cause !== undefined) return reasonOf(cause);
  const text = errorText(error);
  return /refused/i.test(text) ? "nobody listens there" : text;
}
