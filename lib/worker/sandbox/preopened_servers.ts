/**
 * Runs in the worker, where it is a sandbox. Servers and listeners that are opened before the permission to do so is given
 * back, on addresses that do not matter, and wait for the script to ask for one: then the instance's
 * socket takes the place of theirs, as everywhere (`lib/system/sockets/accept_queue.ts`).
 *
 * @module
 */

import type { ListeningFunctions } from "../serving/listener.ts";
import type { ErrorHandler, Handler } from "../handler.ts";

/** How many of each kind there are to be. */
export interface PreopenCounts {
  readonly servers: number;
  readonly listeners: number;
}

type ServeOptions = Deno.ServeTcpOptions & {
  readonly path?: string;
  readonly onError?: ErrorHandler;
};

/** A certificate and its key, in PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** What waits, and where it was opened. */
export interface PreopenedServers {
  /** What the script finds in the place of Deno's own functions. */
  readonly functions: ListeningFunctions;
  /** The addresses of all that waits. */
  readonly addresses: readonly Deno.Addr[];
}

/** A server without a handler yet. */
class WaitingServer {
  readonly #server: Deno.HttpServer<Deno.Addr>;
  readonly #abort = new AbortController();
  #handler: Handler = () => new Response(null, { status: 503 });
  #onError: ErrorHandler = answerUnhandled;

  constructor(
    open: (options: Omit<ServeOptions, "path">, handler: Handler) => Deno.HttpServer<Deno.Addr>,
  ) {
    const options = {
      signal: this.#abort.signal,
      onListen: () => {},
      onError: (error: unknown) => this.#onError(error),
    };
    this.#server = open(options, (request, info) => this.#handler(request, info));
    // A script that has nothing more to do may end.
    this.#server.unref();
  }

  get addr(): Deno.Addr {
    return this.#server.addr;
  }

  /** Serves from now on. */
  begin({ onError, signal }: ServeOptions, handler: Handler): Deno.HttpServer<Deno.Addr> {
    this.#handler = handler;
    if (onError !== undefined) this.#onError = onError;
    if (signal?.aborted) this.#abort.abort(signal.reason);
    signal?.addEventListener("abort", () => this.#abort.abort(signal.reason));
    this.#server.ref();
    return this.#server;
  }
}

/** What Deno does where nobody makes a response of an error. */
function answerUnhandled(error: unknown): Response {
  console.error(error);
  return new Response("Internal Server Error", { status: 500 });
}

/**
 * Opens what a script may ask for, and makes the functions that give it out.
 *
 * @param own Deno's own functions.
 * @param secure The certificate of each server with TLS.
 * @param place The next path at which a Unix socket may be opened for a moment.
 */
export function waitingServers(
  own: ListeningFunctions,
  tcp: PreopenCounts,
  unix: PreopenCounts,
  secure: readonly Pair[],
  place: () => string,
): PreopenedServers {
  const anywhere = { hostname: "127.0.0.1", port: 0 } as const;
  const tcpServers = many(
    tcp.servers,
    () => new WaitingServer((options, handler) => own.serve({ ...options, ...anywhere }, handler)),
  );
  const unixServers = many(unix.servers, () =>
    new WaitingServer((options, handler) => {
      const { signal, onError } = options;
      const rest = { ...(signal && { signal }), ...(onError && { onError }), onListen: () => {} };
      return own.serve({ ...rest, path: place() }, handler);
    }));
  const secureServers = secure.map((pair) => ({
    cert: pair.cert,
    server: new WaitingServer((options, handler) =>
      own.serve({ ...options, ...anywhere, ...pair }, handler)
    ),
  }));
  const tcpListeners = many(tcp.listeners, () => own.listen(anywhere));
  const unixListeners = many(
    unix.listeners,
    () => own.listen({ transport: "unix", path: place() }),
  );
  for (const listener of [...tcpListeners, ...unixListeners]) listener.unref();
  const all = [
    ...tcpServers,
    ...unixServers,
    ...secureServers.map(({ server }) => server),
    ...tcpListeners,
    ...unixListeners,
  ];
  const addresses = all.map(({ addr }) => addr);
  const secureFor = (cert: unknown) => {
    for (let at = 0; at < secureServers.length; at++) {
      const one = secureServers[at];
      if (one?.cert === cert) return secureServers.splice(at, 1)[0]?.server;
    }
    return undefined;
  };
  // What is asked for beyond that takes the permission for it, and a certificate belongs to a server when
  // it is opened.
  const serve = (options: ServeOptions, handler: Handler) => {
    const waiting = "cert" in options
      ? secureFor(options.cert)
      : (options.path === undefined ? tcpServers : unixServers).shift();
    return waiting?.begin(options, handler) ?? own.serve(options, handler);
  };
  const listen = (options: Deno.TcpListenOptions & { readonly transport?: "tcp" | "unix" }) => {
    const waiting = (options.transport === "unix" ? unixListeners : tcpListeners).shift();
    waiting?.ref();
    return waiting ?? Reflect.apply(own.listen, own, [options]) as Deno.Listener;
  };
  const functions = {
    ...own,
    serve: serve as unknown as ListeningFunctions["serve"],
    listen: listen as unknown as ListeningFunctions["listen"],
  };
  return { functions, addresses };
}

function many<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}
