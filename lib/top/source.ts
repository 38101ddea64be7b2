/**
 * Where documents of a stats server come from: an address that sends one to everybody who connects, or
 * who asks by HTTP.
 *
 * @module
 */

import { UserError } from "../cli/exit_code.ts";
import { formatAddress, parseAddress } from "../config/address.ts";
import { fulfilledWithin } from "../system/timing.ts";

/** Something that says what an instance is doing. */
export interface StatsSource {
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
export function addressSource(text: string): StatsSource {
  if (/^https?:\/\//i.test(text)) return httpSource(text);
  try {
    const address = parseAddress(text);
    switch (address.kind) {
      case "tcp": {
        if (address.port === 0) throw new SyntaxError("The address has no port");
        const hostname = address.host === "" ? "127.0.0.1" : address.host;
        const { port } = address;
        return socketSource(
          formatAddress(address),
          hostname,
          () => Deno.connect({ hostname, port }),
        );
      }
      case "unix":
      case "abstract": {
        const path = address.kind === "unix" ? address.path : `\0${address.name}`;
        return socketSource(text, null, () => Deno.connect({ transport: "unix", path }));
      }
      default:
        throw new SyntaxError("Nobody can connect to a descriptor");
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UserError("configuration", `top: "${text}" is no address: ${error.message}`);
  }
}

function httpSource(text: string): StatsSource {
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

function socketSource(
  name: string,
  host: string | null,
  connect: () => Promise<Deno.Conn>,
): StatsSource {
  return { name, host, fetch: async () => parsed(await readFrom(name, connect), name) };
}

/** Everything that is sent until the end. */
async function readFrom(name: string, connect: () => Promise<Deno.Conn>): Promise<string> {
  const connecting = connect();
  let text: string | null = null;
  let failure: unknown = null;
  const reading = connecting.then(async (connection) => {
    text = await new Response(limited(connection.readable)).text();
  }).catch((error) => failure = error);
  if (!await fulfilledWithin(reading, PATIENCE_MS)) {
    // Also a connection that comes about only now.
    connecting.then((connection) => connection.close()).catch(() => {});
    throw silent(name);
  }
  if (text === null) throw unreachable(name, reasonOf(failure));
  return text;
}

function limited(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
  let length = 0;
  return stream.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
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
  const advice = /^http/i.test(name)
    ? ""
    : name.includes(":")
    ? `: with stats-http, write http://${name}`
    : ": if it is a control-socket, write --socket in front of it";
  return unreachable(name, `it does not answer within ${PATIENCE_MS / 1000} s${advice}`);
}

function unreachable(name: string, reason: string): UserError {
  return new UserError("unreachable", `No stats from ${name}: ${reason}`);
}

function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such socket";
  if (error instanceof Deno.errors.ConnectionRefused) return "nobody listens there";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  const text = error instanceof Error ? error.message : String(error);
  // Of an error of fetch() the last part says what it was.
  if (/^error sending request|client error/.test(text)) {
    return /refused/i.test(text) ? "nobody listens there" : text.split(": ").at(-1) ?? text;
  }
  return text;
}
