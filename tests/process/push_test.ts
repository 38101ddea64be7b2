/** Figures that are sent somewhere again and again (`stats-push`, `carbon`). */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { readyMaster } from "../helpers/running_master.ts";

const APP = `import uwsgi from "uwsgi";
uwsgi.serve(() => {
  uwsgi.metric_inc("app.hits");
  uwsgi.metric_set("app.level", -5);
  return new Response("ok");
});`;

/** Receives datagrams, and splits them into lines. */
class UdpReceiver implements Disposable {
  readonly lines: string[] = [];
  readonly #socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });

  constructor() {
    void this.#receive();
  }

  get port(): number {
    return (this.#socket.addr as Deno.NetAddr).port;
  }

  async #receive(): Promise<void> {
    for await (const [bytes] of this.#socket) {
      this.lines.push(...new TextDecoder().decode(bytes).split("\n"));
    }
  }

  /** Sum of what has come for a counter of statsd. */
  sum(name: string): number {
    const found = this.lines.filter((line) => line.startsWith(`${name}:`) && line.endsWith("|c"));
    return found.reduce((total, line) => total + parseInt(line.slice(name.length + 1)), 0);
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

/** Receives what comes over TCP. */
class TcpReceiver implements Disposable {
  text = "";
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });

  constructor() {
    void this.#receive();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #receive(): Promise<void> {
    for await (const connection of this.#listener) {
      void new Response(connection.readable).text().then((text) => this.text += text);
    }
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }
}

Deno.test("what statsd adds up is what was counted, over a replaced program to the end; others get the rest", async () => {
  using statsd = new UdpReceiver();
  using plain = new UdpReceiver();
  using graphite = new TcpReceiver();
  const ini = (mask: string) =>
    `http-socket = 127.0.0.1:0
umask = ${mask}
metric = app.hits
metric = name=app.level,type=gauge
stats-push = statsd:127.0.0.1:${statsd.port},shop
stats-push = socket:127.0.0.1:${plain.port},shop
stats-push = file:path=stats.json,separator=\\n,freq=1
stats-pusher-default-freq = 1
carbon = localhost:${graphite.port}
carbon-freq = 1
carbon-id = the.shop
deno-worker-override = app.ts`;
  const { master, addresses } = await readyMaster({ ini: ini("022"), files: { "app.ts": APP } });
  await using running = master;
  const ask = async (times: number) => {
    for (let i = 0; i < times; i++) await getText(`http://${addresses[0]}/`);
  };
  await running.until(() => statsd.lines.length > 0, "first message");
  await ask(7);
  await running.until(() => statsd.sum("shop.app.hits") === 7, "sum of 7");
  running.writeIni(ini("027"));
  running.signal("SIGHUP");
  await running.waitFor("reloadFinished");
  await ask(5);
  await running.until(() => statsd.sum("shop.app.hits") === 12, "sum of 12");
  assertEquals(statsd.sum("shop.worker.1.requests"), 12);
  const level = statsd.lines.findLastIndex((line) => line === "shop.app.level:-5|g");
  assertEquals(statsd.lines[level - 1], "shop.app.level:0|g");

  await running.until(() => plain.lines.includes("shop.app.hits 0 12"), "datagram of 12");
  await running.until(() => /\.the_shop\.app\.hits 12 \d+\n/.test(graphite.text), "line of 12");
  assertMatch(graphite.text, /^uwsgi\.[\w-]+\.the_shop\.[\w.]+ -?\d+ \d{10}\n/);
  await running.until(
    () => /"app.hits":\{[^}]*"value":12\}/.test(running.read("stats.json")),
    "12",
  );
  // The last message comes at the end, however short ago the one before was.
  await ask(3);
  assertEquals(await running.stop(), 0);
  await running.eventually(() => statsd.sum("shop.app.hits") === 15, "sum of 15");
  const documents = running.read("stats.json").trimEnd().split("\n");
  for (const text of documents) assert(JSON.parse(text).workers.length === 1);
});

Deno.test("a metric that is reset after a push loses nothing, and statsd does not reset it", async () => {
  using statsd = new UdpReceiver();
  using plain = new UdpReceiver();
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
metric = name=app.hits,reset_after_push
metric = name=app.level,type=gauge
stats-push = statsd:127.0.0.1:${statsd.port}
stats-push = socket:127.0.0.1:${plain.port}
stats-pusher-default-freq = 1
deno-worker-override = app.ts`,
    files: { "app.ts": APP },
  });
  await using running = master;
  const arrived = () =>
    plain.lines.flatMap((line) => /^app\.hits 0 (\d+)$/.exec(line)?.[1] ?? [])
      .reduce((total, value) => total + Number(value), 0);
  for (let i = 1; i <= 20; i++) {
    await getText(`http://${addresses[0]}/`);
    if (i % 10 === 0) await running.until(() => arrived() === i, `sum of ${i}`);
  }
  assertEquals(await running.stop(), 0);
  assertEquals(arrived(), 20);
});

Deno.test("who cannot be reached is told once, holds up nobody, and is tried again", async () => {
  // It accepts and does not read.
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr;
  free.close();
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
stats-push = file:path=not/there/stats.json
stats-push = statsd:nowhere.invalid:8125
stats-pusher-default-freq = 1
carbon = 127.0.0.1:${port}
carbon = 127.0.0.1:${silent.addr.port}
carbon-freq = 1
carbon-timeout = 0.5
deno-worker-override = app.ts`,
    files: { "app.ts": { fixture: "workers/hello.ts" } },
  });
  await using running = master;
  const failures = () => running.events.filter(({ event }) => event === "pusherFailed");
  await running.until(() => failures().length >= 3, "three failures");
  await getText(`http://${addresses[0]}/`);
  using graphite = Deno.listen({ hostname: "127.0.0.1", port });
  const connection = await graphite.accept();
  assertMatch(await new Response(connection.readable).text(), /worker\.1\.requests 1 \d+\n/);
  await running.waitFor("pusherWorks");
  const told = failures().map(({ message }) => message).sort();
  assertEquals(told.length, 3, told.join("\n"));
  assertMatch(told[0] ?? "", /^carbon "127.0.0.1:\d+" cannot be served: .*refused/);
  assertMatch(told[1] ?? "", /^stats-push "file:path=not.*" cannot be served: .*No such file/);
  assertMatch(told[2] ?? "", /^stats-push "statsd:nowhere.*cannot be resolved/);
  assertEquals(await running.stop(), 0);
});
