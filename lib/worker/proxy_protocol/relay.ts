/**
 * Runs in the worker. One connection with a header of the PROXY protocol in front: the header is read
 * here, and everything behind it is handed on, both ways, no faster than it is taken.
 *
 * @module
 */

import { fulfilledWithin } from "../../system/timing.ts";
import { inTime, writeAll } from "../serving/connection_io.ts";
import { MAX_HEADER_BYTES, type ProxyHeader, readProxyHeader } from "./proxy_header.ts";

/** What came of a connection's begin. */
export interface Begun {
  readonly client: ProxyHeader["client"];
  /** What came behind the header. */
  readonly rest: Uint8Array;
}

/**
 * Reads the header.
 *
 * @returns Null if the connection is not used.
 * @throws {SyntaxError} If there is none, or not in time.
 */
export async function receiveHeader(
  conn: Pick<Deno.Conn, "read">,
  timeoutMs: number,
): Promise<Begun | null> {
  const bytes = new Uint8Array(MAX_HEADER_BYTES);
  let have = 0;
  const receive = async (): Promise<Begun | null> => {
    while (true) {
      const length = await conn.read(bytes.subarray(have));
      if (length === null && have === 0) return null;
      if (length === null) throw new SyntaxError("it ended within its header");
      have += length;
      const header = readProxyHeader(bytes.subarray(0, have));
      if (header !== null) {
        return { client: header.client, rest: bytes.subarray(header.length, have) };
      }
    }
  };
  return await inTime(receive(), timeoutMs, () => {
    if (have === 0) return null;
    throw new SyntaxError(
      `its header did not arrive within ${timeoutMs / 1000} s (socket-timeout)`,
    );
  });
}

const PIECE_BYTES = 65_536;
/** How long the other direction may take when one has failed, (1 s). */
const FAILED_MS = 1_000;

/**
 * Hands on what comes on either of two connections to the other one, until both have ended, or one has
 * failed. Both are still to be closed then.
 */
export async function relay(one: Deno.Conn, other: Deno.Conn): Promise<void> {
  const ways = [pump(one, other), pump(other, one)];
  try {
    await Promise.all(ways);
  } catch {
    // What is on its way in the other direction may still arrive.
    await fulfilledWithin(Promise.allSettled(ways), FAILED_MS);
  }
}

async function pump(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const bytes = new Uint8Array(PIECE_BYTES);
  while (true) {
    const length = await from.read(bytes);
    if (length === null) return await to.closeWrite();
    await writeAll(to, bytes.subarray(0, length));
  }
}
