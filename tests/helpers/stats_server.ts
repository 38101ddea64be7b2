/**
 * A stats server without an instance: sends everybody who connects what the test wants.
 *
 * @module
 */

/** A server on a TCP port or a Unix socket. Use it with `using`. */
export class FakeStatsServer implements Disposable {
  readonly #listener: Deno.Listener;

  /** Sends the text of `document()` to everybody; `options` are those of `Deno.listen()`. */
  constructor(
    document: () => string | Promise<string>,
    options: { readonly path: string } | { readonly port: number } = { port: 0 },
  ) {
    this.#listener = "path" in options
      ? Deno.listen({ transport: "unix", path: options.path })
      : Deno.listen({ hostname: "127.0.0.1", port: options.port });
    void this.#serve(document);
  }

  /** `host:port` or the path. */
  get address(): string {
    const { addr } = this.#listener;
    return addr.transport === "tcp" ? `${addr.hostname}:${addr.port}` : "";
  }

  /** The port. */
  get port(): number {
    const { addr } = this.#listener;
    return addr.transport === "tcp" ? addr.port : 0;
  }

  async #serve(document: () => string | Promise<string>): Promise<void> {
    for await (const connection of this.#listener) {
      void this.#send(connection, document);
    }
  }

  async #send(connection: Deno.Conn, document: () => string | Promise<string>): Promise<void> {
    try {
      let rest: Uint8Array = new TextEncoder().encode(await document());
      while (rest.length > 0) rest = rest.subarray(await connection.write(rest));
    } catch {
      // The client has gone.
    } finally {
      connection.close();
    }
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }
}
