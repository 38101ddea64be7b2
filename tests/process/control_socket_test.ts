import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { readyMaster } from "../helpers/running_master.ts";

const encoder = new TextEncoder();

/** A client of the control socket that does what it should not. */
class RudeClient implements Disposable {
  readonly #connection: Deno.UnixConn;
  #rest = "";

  constructor(connection: Deno.UnixConn) {
    this.#connection = connection;
  }

  /** Writes as much as the master takes. */
  async write(text: string): Promise<void> {
    let rest = encoder.encode(text);
    try {
      while (rest.length > 0) rest = rest.subarray(await this.#connection.write(rest));
    } catch (error) {
      const gone = [Deno.errors.BrokenPipe, Deno.errors.ConnectionReset, Deno.errors.Interrupted];
      if (!gone.some((kind) => error instanceof kind)) throw error;
    }
  }

  /** The next line; null: the master has ended the conversation. */
  async line(): Promise<string | null> {
    const chunk = new Uint8Array(65536);
    while (!this.#rest.includes("\n")) {
      const length = await this.#connection.read(chunk).catch(() => null);
      if (length === null) return null;
      this.#rest += new TextDecoder().decode(chunk.subarray(0, length));
    }
    const end = this.#rest.indexOf("\n");
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return line;
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

Deno.test("nothing that clients of the control socket do keeps the master from its work", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
control-socket = %DIR%/ctl.sock
touch-chain-reload = %DIR%/reload
deno-worker-override = app.ts`,
    files: { "app.ts": { fixture: "workers/hello.ts" } },
  });
  await using running = master;
  const path = running.path("ctl.sock");
  const client = async () => new RudeClient(await Deno.connect({ transport: "unix", path }));
  /** The master serves, and answers operators. */
  const works = async () => {
    assertStringIncludes(await getText(`http://${addresses[0]}/`), "pid");
    using polite = await client();
    await polite.write('{"command":"status"}\n{"command":"help"}\n');
    assertStringIncludes(await polite.line() ?? "", `"pid":${running.pid}`);
    assertStringIncludes(await polite.line() ?? "", "chain-reload");
  };
  using slow = await client();
  await slow.write('{"command":');

  for (
    const garbage of ["GET / HTTP/1.1\r\n\r\n", "\0\xff\n", "{}\n", "[1]\n", '{"command":7}\n']
  ) {
    using rude = await client();
    await rude.write(garbage);
    assertEquals(JSON.parse(await rude.line() ?? "").type, "error");
    assertEquals(await rude.line(), null);
  }
  await works();

  using endless = await client();
  await endless.write("x".repeat(2 << 20));
  assertStringIncludes(await endless.line() ?? "", "too long");
  assertEquals(await endless.line(), null);
  await works();

  // It never reads what it asks for, until the master waits for it.
  using greedy = await client();
  const asking = greedy.write('{"command":"status"}\n'.repeat(20_000));
  await works();

  const waiting = await client();
  await waiting.write('{"command":"reload","wait":true}\n');
  assertStringIncludes(await waiting.line() ?? "", "accepted");
  waiting[Symbol.dispose]();
  await running.waitFor("reloadFinished");
  await works();

  const crowd = await Promise.all(Array.from({ length: 100 }, client));
  const refused = await Promise.all(crowd.map(async (one) => {
    await one.write('{"command":"status"}\n');
    return (await one.line() ?? "").includes("try again later");
  }));
  const count = refused.filter((one) => one).length;
  assert(count >= 68 && count < 100, `${count} of 100 were refused`);
  assertStringIncludes(await getText(`http://${addresses[0]}/`), "pid");
  for (const one of crowd) one[Symbol.dispose]();
  // The master notices one after the other that they are gone.
  await running.until(async () => {
    using one = await client();
    await one.write('{"command":"help"}\n');
    return (await one.line() ?? "").includes('"result"');
  }, "room for a client");
  await works();

  assertEquals((await running.reload()).outcome, "done");
  assertStringIncludes(await slow.line() ?? "", "No request within");
  assertEquals(await slow.line(), null);
  await asking;
});
