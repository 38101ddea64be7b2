import { assert, assertEquals } from "@std/assert";
import {
  MOST_CLIENTS,
  OneShotServer,
  readHead,
} from "../../../../lib/master/stats/one_shot_server.ts";

const encoder = new TextEncoder();
const HEAD = "GET / HTTP/1.1\r\n\r\n";

/** What answers on a free port, and raw clients of it. */
class Served implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #clients = new OneShotServer(async (client) =>
    encoder.encode(`${await readHead(client)}${"x".repeat(4_000_000)}`)
  );

  constructor() {
    void this.#accept();
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) this.#clients.begin(client);
  }

  connect(): Promise<Deno.TcpConn> {
    return Deno.connect({ hostname: "127.0.0.1", port: this.#listener.addr.port });
  }

  /** Sends something and returns how much comes back. */
  async ask(text: string): Promise<number> {
    using connection = await this.connect();
    await connection.write(encoder.encode(text));
    return (await new Response(connection.readable).bytes()).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#clients.close(0);
  }
}

async function isClosed(connection: Deno.Conn): Promise<boolean> {
  return await connection.read(new Uint8Array(1)).catch(() => null) === null;
}

Deno.test("who sends more than a head still gets the whole answer", async () => {
  await using served = new Served();
  assertEquals(await served.ask(HEAD + "z".repeat(3000)), 4_000_000 + HEAD.length + 3000);
});

Deno.test("there are few clients at a time: the oldest makes room for a new one", async () => {
  await using served = new Served();
  const silent: Deno.Conn[] = [];
  for (let i = 0; i < MOST_CLIENTS; i++) silent.push(await served.connect());
  assert(await served.ask(HEAD) > 4_000_000);
  const [oldest] = silent;
  assert(oldest !== undefined && await isClosed(oldest));
  for (const connection of silent) connection.close();
});

Deno.test("who leaves early is forgotten, and everybody is sent away in the end", async () => {
  const served = new Served();
  const early = await served.connect();
  await early.write(encoder.encode(HEAD));
  early.close();
  const silent = await served.connect();
  assert(await served.ask(HEAD) > 4_000_000);
  await served[Symbol.asyncDispose]();
  assert(await isClosed(silent));
  silent.close();
});
