/**
 * A TCP server that does anything wrong that a test wants it to do.
 *
 * It is made of node:net, which can reset a connection: `Deno.Conn` ends every one in order.
 *
 * @module
 */
import { createServer, type Socket } from "node:net";
import type { Target } from "./load/target.ts";

/** The answer of `/`. */
export const IDENTITY = '{"pid":1,"worker":1}';

/** One connection of the server. */
export class Peer {
  readonly #socket: Socket;
  readonly #chunks: AsyncIterator<Uint8Array>;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#chunks = socket[Symbol.asyncIterator]();
  }

  /** Reads what is there; the empty text at the end. */
  async read(): Promise<string> {
    const { done, value } = await this.#chunks.next();
    return done ? "" : new TextDecoder("latin1").decode(value);
  }

  /** Reads until the text has come; whatever is behind it too. */
  async readPast(text: string): Promise<string> {
    let all = await this.read();
    while (!all.includes(text)) all += await this.read();
    return all;
  }

  /** Writes text or bytes. */
  write(data: string | Uint8Array): void {
    this.#socket.write(data);
  }

  /** Answers with status 200. */
  answer(body: string, headers = ""): void {
    this.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`);
  }

  /** Resets the connection. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** Ends the connection in order. */
  end(): void {
    this.#socket.end();
  }

  /** Accepts a WebSocket, rightly or with a given key, then reads what the client sends first. */
  async upgrade(accept?: string): Promise<void> {
    const key = /sec-websocket-key: (\S+)/i.exec(await this.readPast("\r\n\r\n"))?.[1];
    const text = new TextEncoder().encode(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
    const right = new Uint8Array(await crypto.subtle.digest("SHA-1", text)).toBase64();
    this.write(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" +
        `Sec-WebSocket-Accept: ${accept ?? right}\r\n\r\n`,
    );
    await this.read();
  }
}

/** What a server does with one connection, before it ends it in order. */
export type Behaviour = (peer: Peer) => Promise<void>;

/** Serves every connection with a behaviour, for as long as `use` takes. */
export async function withRawServer(
  behaviour: Behaviour,
  use: (target: Target) => Promise<void>,
): Promise<void> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    // A client that gives up resets the connection, which is no fault of the behaviour.
    socket.on("error", () => {});
    const peer = new Peer(socket);
    behaviour(peer).catch(() => {}).finally(() => peer.end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port");
  try {
    await use({ hostname: "127.0.0.1", port: address.port });
  } finally {
    const closed = new Promise((resolve) => server.close(resolve));
    // One on which something is left that nobody reads does not notice that its client has gone.
    for (const socket of sockets) socket.destroy();
    await closed;
  }
}

/** Reads a request, answers it as the load client wants, and behaves as given afterwards. */
export function afterAnswer(behave: Behaviour): Behaviour {
  return async (peer) => {
    await peer.read();
    peer.answer(IDENTITY);
    await behave(peer);
  };
}

/** Accepts a WebSocket and sends a close frame (RFC 6455, 5.5.1). */
export function closingWebSocket(code: number): Behaviour {
  return async (peer) => {
    await peer.upgrade();
    peer.write(Uint8Array.of(0x88, 2, code >> 8, code & 0xff));
    await peer.read();
  };
}
