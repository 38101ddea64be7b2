/**
 * Receives datagrams as a syslog daemon or the journal does.
 *
 * @module
 */

/** A socket that keeps what it gets. Use it with `using`. */
export class DatagramReceiver {
  /** What has come so far. */
  readonly messages: Uint8Array[] = [];
  readonly #socket: Deno.DatagramConn;
  #closed = false;

  private constructor(socket: Deno.DatagramConn) {
    this.#socket = socket;
    void this.#receive();
  }

  /** Receives at a path. */
  static unix(path: string): DatagramReceiver {
    return new DatagramReceiver(Deno.listenDatagram({ transport: "unixpacket", path }));
  }

  /** Receives at a port of its own. */
  static udp(): DatagramReceiver {
    return new DatagramReceiver(
      Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 }),
    );
  }

  /** Its port. */
  get port(): number {
    const { addr } = this.#socket;
    return "port" in addr ? addr.port : 0;
  }

  /** What has come as texts. */
  get texts(): string[] {
    return this.messages.map((message) => new TextDecoder().decode(message));
  }

  async #receive(): Promise<void> {
    try {
      for await (const [message] of this.#socket) this.messages.push(message);
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted)) {
        throw error;
      }
    }
  }

  /** Receives no more; it may have been told before. */
  [Symbol.dispose](): void {
    if (!this.#closed) this.#socket.close();
    this.#closed = true;
  }
}
