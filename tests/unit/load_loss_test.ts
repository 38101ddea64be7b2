/** The load client with servers that lose requests: no way of doing so escapes it. */
import { assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { runLoad } from "../helpers/load.ts";
import { asLoadFailure, type FailureKind } from "../helpers/load/failure.ts";
import type { ScenarioName } from "../helpers/load/scenario.ts";
import {
  afterAnswer,
  type Behaviour,
  closingWebSocket,
  IDENTITY,
  withRawServer,
} from "../helpers/raw_server.ts";

const OK_HEAD = "HTTP/1.1 200 OK\r\nContent-Length: ";

interface LossCase {
  readonly name: string;
  readonly scenario: ScenarioName;
  readonly kind: FailureKind;
  readonly serve: Behaviour;
}

/** Serves an event stream that consists of this. */
function stream(body: string): Behaviour {
  return async (peer) => {
    await peer.read();
    peer.write(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" +
        `Transfer-Encoding: chunked\r\n\r\n${body}`,
    );
  };
}

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

/** Echoes a posted body after `change`. */
function echoing(change: (body: string) => string): Behaviour {
  return async (peer) => {
    let request = await peer.readPast("\r\n\r\n");
    const start = request.indexOf("\r\n\r\n") + 4;
    while (request.length < start + 16_384) request += await peer.read();
    const body = change(request.slice(start).replaceAll(/[^\x20-\x7e]/g, "."));
    peer.write(`${OK_HEAD}${body.length}\r\n\r\n${body}`);
  };
}

const LOSSES: readonly LossCase[] = [
  {
    name: "resets the connection",
    scenario: "close",
    kind: "reset",
    serve: async (peer) => {
      await peer.read();
      peer.reset();
    },
  },
  {
    name: "ends the connection without an answer",
    scenario: "close",
    kind: "eof-before-response",
    serve: async (peer) => void await peer.read(),
  },
  {
    name: "breaks off in the head",
    scenario: "close",
    kind: "eof-mid-response",
    serve: async (peer) => {
      await peer.read();
      peer.write("HTTP/1.1 200 OK\r\nContent-");
    },
  },
  {
    name: "breaks off in the body",
    scenario: "close",
    kind: "eof-mid-response",
    serve: async (peer) => {
      await peer.read();
      peer.write(`${OK_HEAD}20\r\n\r\n{"pid"`);
    },
  },
  {
    name: "answers 503",
    scenario: "close",
    kind: "bad-status",
    serve: async (peer) => {
      await peer.read();
      peer.write("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
    },
  },
  {
    name: "answers something else",
    scenario: "close",
    kind: "wrong-body",
    serve: async (peer) => {
      await peer.read();
      peer.answer('{"pid":"1"}');
    },
  },
  {
    name: "does not speak HTTP/1.1",
    scenario: "close",
    kind: "malformed",
    serve: async (peer) => {
      await peer.read();
      peer.write("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n");
    },
  },
  {
    name: "tells no length",
    scenario: "close",
    kind: "malformed",
    serve: async (peer) => {
      await peer.read();
      peer.write(`HTTP/1.1 200 OK\r\n\r\n${IDENTITY}`);
    },
  },
  {
    name: "says more than its answer",
    scenario: "close",
    kind: "malformed",
    serve: async (peer) => {
      await peer.read();
      peer.answer(IDENTITY);
      peer.write("more");
    },
  },
  {
    name: "never answers",
    scenario: "close",
    kind: "timeout",
    serve: async (peer) => {
      while (await peer.read() !== "");
    },
  },
  {
    name: "never ends a connection that it said to end",
    scenario: "keep-alive",
    kind: "timeout",
    serve: async (peer) => {
      await peer.read();
      peer.answer(IDENTITY, "Connection: close\r\n");
      while (await peer.read() !== "");
    },
  },
  {
    name: "takes a second request and ends the connection",
    scenario: "keep-alive",
    kind: "eof-before-response",
    serve: afterAnswer(async (peer) => void await peer.read()),
  },
  {
    name: "takes a second request and resets",
    scenario: "keep-alive",
    kind: "reset",
    serve: afterAnswer(async (peer) => {
      await peer.read();
      peer.reset();
    }),
  },
  {
    name: "resets after an answer that said Connection: close",
    scenario: "keep-alive",
    kind: "reset",
    serve: async (peer) => {
      await peer.read();
      peer.answer(IDENTITY, "Connection: close\r\n");
      peer.reset();
    },
  },
  {
    name: "resets an idle connection",
    scenario: "idle",
    kind: "reset",
    serve: async (peer) => {
      await peer.read();
      peer.answer(IDENTITY);
      peer.reset();
    },
  },
  {
    name: "says something on an idle connection",
    scenario: "idle",
    kind: "malformed",
    serve: afterAnswer((peer) =>
      Promise.resolve(peer.write("HTTP/1.1 408 Request Timeout\r\n\r\n"))
    ),
  },
  {
    name: "changes a byte of a posted body",
    scenario: "post",
    kind: "wrong-body",
    serve: echoing((body) => `${body.slice(0, -1)}\x00`),
  },
  {
    name: "shortens a posted body",
    scenario: "post",
    kind: "wrong-body",
    serve: echoing((body) => body.slice(1)),
  },
  {
    name: "ends the connection between two halves of a header",
    scenario: "split-header",
    kind: "eof-before-response",
    serve: async (peer) => void await peer.read(),
  },
  {
    name: "ends the connection after the first of two pipelined requests",
    scenario: "pipelined",
    kind: "eof-before-response",
    serve: async (peer) => {
      await peer.readPast("tag=second");
      peer.answer("first", "Connection: close\r\n");
    },
  },
  {
    name: "swaps two pipelined answers",
    scenario: "pipelined",
    kind: "wrong-body",
    serve: async (peer) => {
      await peer.readPast("tag=second");
      peer.answer("second");
      peer.answer("first");
    },
  },
  {
    name: "breaks off an event stream",
    scenario: "sse",
    kind: "eof-mid-response",
    serve: stream(chunk("data: 0\n\n")),
  },
  {
    name: "ends an event stream too early",
    scenario: "sse",
    kind: "wrong-body",
    serve: stream(`${chunk("data: 0\n\n")}0\r\n\r\n`),
  },
  {
    name: "leaves an event out",
    scenario: "sse",
    kind: "wrong-body",
    serve: stream(chunk("data: 0\n\n") + chunk("data: 2\n\n")),
  },
  {
    name: "sends a chunk longer than its size",
    scenario: "sse",
    kind: "malformed",
    serve: stream("3\r\ndata: 0\n\n\r\n0\r\n\r\n"),
  },
  {
    name: "ends a WebSocket without a close frame",
    scenario: "websocket",
    kind: "eof-before-response",
    serve: (peer) => peer.upgrade(),
  },
  {
    name: "breaks off a frame",
    scenario: "websocket",
    kind: "eof-mid-response",
    serve: async (peer) => {
      await peer.upgrade();
      peer.write(Uint8Array.of(0x8a));
    },
  },
  {
    name: "masks its frames",
    scenario: "websocket",
    kind: "malformed",
    serve: async (peer) => {
      await peer.upgrade();
      peer.write(Uint8Array.of(0x8a, 0x8d));
    },
  },
  {
    name: "accepts a WebSocket with a wrong key",
    scenario: "websocket",
    kind: "malformed",
    serve: (peer) => peer.upgrade("d3Jvbmc="),
  },
];

for (const { name, scenario, kind, serve } of LOSSES) {
  Deno.test(`runLoad() counts ${kind} in ${scenario}, when the server ${name}`, async () => {
    await withRawServer(serve, async (target) => {
      const never = (): Promise<never> => new Promise(() => {});
      const timeoutMs = kind === "timeout" ? 200 : 10_000;
      const options = { timeoutMs, gap: never, idle: never };
      const report = await runLoad(target, { [scenario]: 1 }, { requests: 2 }, options);
      assertEquals(Object.keys(report.scenarios[scenario]?.failures ?? {}), [kind]);
      assertGreater(report.failed, 0);
      assertEquals(report.examples[0]?.kind, kind);
      assertEquals(report.examples[0]?.scenario, scenario);
    });
  });
}

Deno.test("runLoad() counts refused, when nobody listens", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  for (
    const target of [{ hostname: "127.0.0.1", port }, {
      transport: "unix",
      path: "/nonexistent/s",
    }] as const
  ) {
    const report = await runLoad(target, { close: 1 }, { requests: 2 });
    assertEquals(Object.keys(report.scenarios.close?.failures ?? {}), ["refused"]);
    assertEquals(report.scenarios.close?.connections, 0);
  }
});

Deno.test("runLoad() counts wrong-body, when the server closes a WebSocket with 1011", async () => {
  await withRawServer(closingWebSocket(1011), async (target) => {
    const report = await runLoad(target, { websocket: 1 }, { requests: 2 });
    assertEquals(Object.keys(report.scenarios.websocket?.failures ?? {}), ["wrong-body"]);
    assertStringIncludes(report.examples[0]?.detail ?? "", "(1011)");
  });
});

Deno.test("asLoadFailure() blames the client, when it has no port or descriptor left", () => {
  assertEquals(asLoadFailure(new Deno.errors.AddrNotAvailable("x")).kind, "client");
  assertEquals(asLoadFailure(new Error("Too many open files")).kind, "client");
  assertEquals(asLoadFailure(new Deno.errors.WouldBlock("x")).kind, "queue-full");
});
