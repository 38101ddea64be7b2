/**
 * Runs in the worker. What servers need that read and write connections themselves.
 *
 * @module
 */

/** Writes all bytes: one write(2) may take a part of them. */
export async function writeAll(to: Pick<Deno.Conn, "write">, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}

/** Lets short pieces go at once (TCP_NODELAY). */
export function sendAtOnce(conn: Deno.Conn): void {
  if (isTcp(conn)) conn.setNoDelay();
}

function isTcp(conn: Deno.Conn): conn is Deno.TcpConn {
  return conn.remoteAddr.transport === "tcp";
}

/** Closes what may be closed already. */
export function closeQuietly(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // It is, because its server has ended.
  }
}

/** What a promise is fulfilled with; when it takes longer than `ms` milliseconds, what `late` says. */
export async function inTime<T>(promise: Promise<T>, ms: number, late: () => T): Promise<T> {
  const end = Promise.withResolvers<void>();
  const timer = setTimeout(end.resolve, ms);
  try {
    return await Promise.race([promise, end.promise.then(late)]);
  } finally {
    clearTimeout(timer);
  }
}
