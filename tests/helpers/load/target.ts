/**
 * Where the load goes, and how a connection to it is made.
 *
 * One address is enough for any number of connections: as the server ends a connection first, the
 * client's port is free at once, so its 28,000 ephemeral ports do not run out.
 *
 * @module
 */

/** A server on a TCP port. */
export interface TcpTarget {
  readonly hostname: string;
  readonly port: number;
}

/** A server on a TCP port that speaks TLS. */
export interface TlsTarget extends TcpTarget {
  /** What its certificate is checked by, in PEM. */
  readonly caCerts: readonly string[];
}

/** A server on a Unix socket. */
export interface UnixTarget {
  readonly transport: "unix";
  readonly path: string;
}

/** A server under load. */
export type Target = TcpTarget | TlsTarget | UnixTarget;

/**
 * Makes one connection, without Nagle's algorithm: what is written in two parts arrives in two.
 *
 * @param signal Ends the attempt. Deno has no such thing for Unix sockets, where connect(2) never waits,
 * and for TLS.
 */
export async function connectTo(target: Target, signal: AbortSignal): Promise<Deno.Conn> {
  if ("path" in target) return await Deno.connect(target);
  if ("caCerts" in target) {
    const { hostname, port, caCerts } = target;
    const connection = await Deno.connectTls({ hostname, port, caCerts: [...caCerts] });
    try {
      await connection.handshake();
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  }
  const connection = await Deno.connect({ ...target, signal, autoSelectFamily: false });
  connection.setNoDelay(true);
  return connection;
}
