/**
 * Runs in the worker. Whose requests come on which connection that this process has made to its own
 * server on the loopback interface.
 *
 * @module
 */

/**
 * The clients behind connections. A connection is known by its whole address: any local user can have
 * the same port at 127.0.0.2, but only one connection to a listener has a certain address and port.
 */
export class InnerClients {
  readonly #clients = new Map<string, Deno.Addr>();

  /** A connection with this near end serves a client. The returned function forgets that. */
  add(end: Deno.NetAddr, client: Deno.Addr): () => void {
    const key = keyOf(end);
    this.#clients.set(key, client);
    return () => {
      // The port may belong to another connection already.
      if (this.#clients.get(key) === client) this.#clients.delete(key);
    };
  }

  /** The client of a request by the far end of its connection; null: somebody else has made that. */
  of(end: Deno.Addr): Deno.Addr | null {
    return end.transport === "tcp" ? this.#clients.get(keyOf(end)) ?? null : null;
  }
}

function keyOf({ hostname, port }: Deno.NetAddr): string {
  return `${hostname} ${port}`;
}
