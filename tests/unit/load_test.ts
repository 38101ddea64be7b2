/** The load client with servers that lose nothing. */
import { assertEquals, assertGreater } from "@std/assert";
import { lossHandler } from "../fixtures/apps/loss_handler.ts";
import { runLoad } from "../helpers/load.ts";
import { type ScenarioName, SCENARIOS } from "../helpers/load/scenario.ts";
import type { Target } from "../helpers/load/target.ts";
import {
  afterAnswer,
  type Behaviour,
  closingWebSocket,
  IDENTITY,
  withRawServer,
} from "../helpers/raw_server.ts";

const NAMES = Object.keys(SCENARIOS) as ScenarioName[];
const GOOD = lossHandler({ pid: 7, worker: 3, generation: 2 });

/** Serves on a port, or on a Unix socket. */
async function withServer(
  path: string | null,
  handler: (request: Request) => Response | Promise<Response>,
  use: (target: Target) => Promise<void>,
): Promise<void> {
  if (path === null) {
    const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
    await using server = Deno.serve(options, handler);
    await use({ hostname: "127.0.0.1", port: server.addr.port });
  } else {
    await using _server = Deno.serve({ path, onListen() {} }, handler);
    await use({ transport: "unix", path });
  }
}

for (const name of NAMES) {
  Deno.test(`runLoad() counts every request of ${name} as answered, when the server is good`, async () => {
    await withServer(null, GOOD, async (target) => {
      const report = await runLoad(target, { [name]: 4 }, { requests: 8 });
      assertEquals(report.examples, []);
      assertEquals(report.failed, 0);
      assertGreater(report.ok, 7);
      assertEquals(Object.keys(report.scenarios), [name]);
      const asksForIdentity = ["close", "keep-alive", "idle", "split-header"].includes(name);
      assertEquals([...report.pids], asksForIdentity ? [7] : []);
      assertEquals([...report.workers], asksForIdentity ? [3] : []);
      assertEquals([...report.generations], asksForIdentity ? [2] : []);
    });
  });
}

Deno.test("runLoad() loads a Unix socket with all scenarios at once, when the server is good", async () => {
  const directory = await Deno.makeTempDir();
  await withServer(`${directory}/s`, GOOD, async (target) => {
    const mix = Object.fromEntries(NAMES.map((name) => [name, 1]));
    const report = await runLoad(target, mix, { requests: 100 });
    assertEquals(report.examples, []);
    assertEquals(Object.keys(report.scenarios).sort(), NAMES.toSorted());
    for (const { ok, connections } of Object.values(report.scenarios)) {
      assertGreater(ok, 0);
      assertGreater(connections, 0);
    }
  });
  await Deno.remove(directory, { recursive: true });
});

Deno.test("runLoad() ends pauses at once and finishes requests, when the signal comes", async () => {
  const controller = new AbortController();
  const stopping = (request: Request): Response | Promise<Response> => {
    controller.abort();
    return GOOD(request);
  };
  await withServer(null, stopping, async (target) => {
    const gap = (): Promise<void> => Promise.resolve();
    const mix = { "idle": 1, "split-header": 1, "websocket": 1 };
    const report = await runLoad(target, mix, controller.signal, { gap });
    assertEquals(report.examples, []);
    assertEquals([report.ok, report.failed], [3, 0]);
    assertEquals((await runLoad(target, { close: 1 }, controller.signal)).ok, 0);
  });
});

Deno.test("runLoad() counts no loss, when the server announces a connection's end", async () => {
  const announce: Behaviour = async (peer) => {
    await peer.read();
    peer.answer(IDENTITY, "Connection: close\r\n");
  };
  await withRawServer(announce, async (target) => {
    const report = await runLoad(target, { "keep-alive": 1 }, { requests: 3 });
    const counted = report.scenarios["keep-alive"];
    assertEquals(report.failed, 0);
    assertEquals(counted?.announcedEnds, counted?.ok);
    assertEquals(counted?.connections, counted?.ok);
  });
});

Deno.test("runLoad() counts no loss, when the server ends an idle connection in order", async () => {
  await withRawServer(afterAnswer(() => Promise.resolve()), async (target) => {
    const idle = (): Promise<never> => new Promise(() => {});
    const report = await runLoad(target, { idle: 1 }, { requests: 3 }, { idle });
    const counted = report.scenarios.idle;
    assertEquals(report.examples, []);
    assertEquals(counted?.connections, counted?.ok);
    // The run's end can come before the last connection's.
    assertGreater(counted?.idleEnds ?? 0, report.ok - 2);
  });
});

Deno.test("runLoad() counts no loss, when the server closes a WebSocket with 1001", async () => {
  await withRawServer(closingWebSocket(1001), async (target) => {
    const report = await runLoad(target, { websocket: 1 }, { requests: 2 });
    assertEquals(report.examples, []);
    assertEquals(report.scenarios.websocket?.goingAway, report.scenarios.websocket?.connections);
  });
});
