/**
 * Runs in the worker. What a node server's connections begin with where a socket speaks something else than
 * HTTP alone: a handshake of TLS, a header of the PROXY protocol, a request in the uwsgi protocol. What is
 * behind that is handed to the server as its connection.
 *
 * @module
 */

import type { Socket } from "node:net";
import type { WorkerSocket } from "../../protocol/worker_environment.ts";

/** Takes a connection that was accepted just now. */
export type Beginning = (accepted: Socket) => void;

/** Makes that; `ready` takes what the server is to serve, `upgrades` tells whether it takes upgrades. */
export type Beginner = (
  ready: (connection: Socket) => void,
  upgrades: () => boolean,
) => Beginning;

const beginners = new Map<WorkerSocket["protocol"], Beginner>();

/** Called by the preload that knows what comes first on sockets of this option. */
export function beginNodeConnections(protocol: WorkerSocket["protocol"], beginner: Beginner): void {
  beginners.set(protocol, beginner);
}

/** What comes first on sockets of this option; undefined: HTTP. */
export function nodeBeginner(protocol: WorkerSocket["protocol"]): Beginner | undefined {
  return beginners.get(protocol);
}

/** Reads a node socket as one of Deno's is read, until somebody else does. */
export class NodeReader {
  readonly #socket: Socket;
  #news = Promise.withResolvers<void>();
  readonly #wake = (): void => this.#news.resolve();

  /** Nobody else reads the socket meanwhile. */
  constructor(socket: Socket) {
    this.#socket = socket;
    for (const event of NEWS) socket.on(event, this.#wake);
    // Its client has gone, which the reader sees by itself.
    socket.on("error", () => {});
  }

  /** Reads some bytes, see `Deno.Conn`. */
  async read(bytes: Uint8Array): Promise<number | null> {
    while (true) {
      const { readableLength, readableEnded, destroyed } = this.#socket;
      if (readableLength > 0 && bytes.length > 0) {
        const chunk: Uint8Array = this.#socket.read(Math.min(readableLength, bytes.length));
        bytes.set(chunk);
        return chunk.length;
      }
      if (readableEnded || destroyed) return null;
      this.#news = Promise.withResolvers();
      // Asks the kernel for more.
      this.#socket.read(0);
      await this.#news.promise;
    }
  }

  /** From now on somebody else reads it, and first of all these bytes. */
  giveBack(bytes: Uint8Array): void {
    for (const event of NEWS) this.#socket.removeListener(event, this.#wake);
    if (bytes.length > 0) this.#socket.unshift(bytes);
  }
}

const NEWS = ["readable", "end", "close", "error"] as const;

/** The client behind a connection is not the one that the kernel knows. */
export function setClient(
  socket: Socket,
  client: { readonly hostname: string; readonly port: number },
): void {
  const { hostname, port } = client;
  const values = {
    remoteAddress: hostname === "" ? undefined : hostname,
    remotePort: hostname === "" ? undefined : port,
    remoteFamily: hostname === "" ? undefined : hostname.includes(":") ? "IPv6" : "IPv4",
  };
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(socket, name, { value, configurable: true });
  }
}
