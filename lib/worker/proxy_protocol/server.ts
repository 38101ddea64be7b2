/**
 * Runs in the worker. HTTP behind the PROXY protocol: `Deno.serve` accepts for itself and knows no such
 * header, so a server of this worker's own accepts, reads it, and hands the rest on to a `Deno.serve` on
 * the loopback interface. Each connection there has an address of its own, by which its client is known;
 * other processes of this machine can connect as well, and are refused.
 *
 * @module
 */

import type { Server } from "../handler.ts";
import type { ListenPlace } from "../../system/sockets/adopted_listener.ts";
import { noteRelay } from "../connections/client_activity.ts";
import { ConnectionServer } from "../serving/connection_server.ts";
import { clientKey } from "../connections/client_connections.ts";
import { LastingServer } from "../serving/lasting_server.ts";
import { listenAt, serveHttp, type ServingOptions } from "../serving/listener.ts";
import { closeQuietly, sendAtOnce, writeAll } from "../serving/connection_io.ts";
import { InnerClients } from "./inner_clients.ts";
import { receiveHeader, relay } from "./relay.ts";
import type { Handler } from "../handler.ts";

/** What the server is told. */
export interface ProxyServerSetup {
  /** How long a header may take. */
  readonly timeoutMs: number;
  /** Told why a connection is not served. */
  readonly refused: (refusal: { readonly message: string }) => void;
}

/** Starts a server whose connections begin with a header of the PROXY protocol. */
export function serveBehindProxy(
  outside: ListenPlace,
  handler: Handler,
  options: ServingOptions,
  setup: ProxyServerSetup,
): Server {
  const clients = new InnerClients();
  const place = { hostname: "127.0.0.1", port: 0 };
  const inner = new LastingServer({
    open: () => serveHttp(place, known(handler, clients), options),
    signal: options.signal,
  });
  const outer = new ConnectionServer(
    listenAt(outside),
    // It is another one when the inner server was opened anew.
    (conn) => serveConnection(conn, (inner.addr as Deno.NetAddr).port, clients, setup),
    options.signal,
  );
  return new ProxyServer(outer, inner);
}

/** Asks the handler only for connections that came through here, in the name of their clients. */
function known(handler: Handler, clients: InnerClients): Handler {
  return (request, info) => {
    const remoteAddr = clients.of(info.remoteAddr);
    if (remoteAddr === null) return new Response("Forbidden", { status: 403 });
    return handler(request, {
      remoteAddr,
      get completed() {
        return info.completed;
      },
    });
  };
}

async function serveConnection(
  conn: Deno.Conn,
  port: number,
  clients: InnerClients,
  { timeoutMs, refused }: ProxyServerSetup,
): Promise<void> {
  try {
    const begun = await receiveHeader(conn, timeoutMs);
    if (begun === null) return;
    const inner = await Deno.connect({ hostname: "127.0.0.1", port });
    const { client, rest } = begun;
    // Nothing has been sent yet, so no request of this connection can come before its client is known.
    const known = client === null ? conn.remoteAddr : { transport: "tcp", ...client } as const;
    const forget = clients.add(inner.localAddr, known);
    const forgetRelay = noteRelay({
      connection: nameOf(conn.remoteAddr),
      client: nameOf(known),
    });
    try {
      sendAtOnce(inner);
      sendAtOnce(conn);
      await writeAll(inner, rest);
      await relay(conn, inner);
    } finally {
      forget();
      forgetRelay();
      closeQuietly(inner);
    }
  } catch (error) {
    if (error instanceof SyntaxError) refused(error);
    // Everything else is a client that has gone.
  } finally {
    closeQuietly(conn);
  }
}

/** Empty: it has none. */
function nameOf(address: Deno.Addr): string {
  return address.transport === "tcp" ? clientKey(address.hostname, address.port) : "";
}

/** Both of them, as one. */
class ProxyServer implements Server {
  readonly finished: Promise<void>;
  readonly #outer: Server;
  readonly #inner: Server;

  constructor(outer: Server, inner: Server) {
    this.#outer = outer;
    this.#inner = inner;
    this.finished = Promise.all([outer.finished, inner.finished]).then(() => {});
  }

  get addr(): Deno.Addr {
    return this.#outer.addr;
  }

  ref(): void {
    this.#outer.ref();
    this.#inner.ref();
  }

  unref(): void {
    this.#outer.unref();
    this.#inner.unref();
  }

  /** The inner one ends the connections, which the outer one waits for. */
  async shutdown(): Promise<void> {
    await Promise.all([this.#outer.shutdown(), this.#inner.shutdown()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }
}
