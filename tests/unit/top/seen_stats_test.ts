import { assertEquals, assertThrows } from "@std/assert";
import { parseStats } from "../../../lib/top/seen_stats.ts";
import { busyDocument } from "../../helpers/busy_instance.ts";
import { statsDocument, statsWorker } from "../../helpers/stats_document.ts";
import { uwsgiDocument } from "../../helpers/uwsgi_document.ts";

Deno.test("parseStats() takes all that our own document says", () => {
  const reload = {
    kind: "chain",
    generation: 3,
    running_ms: 500,
    pending: [3],
    starting: [2],
    done: [1],
  } as const;
  const seen = parseStats(JSON.parse(JSON.stringify(busyDocument(1, 2, {
    reload,
    queued: "all",
    reloads: [{
      kind: "all",
      outcome: "done",
      generation: 2,
      at_ms: 1,
      took_ms: 2,
      text: "Reload done",
    }],
    log_lines_lost: 4,
  }))));
  assertEquals([seen.generation, seen.wanted, seen.phase, seen.queued], [2, 2, "running", "all"]);
  assertEquals(seen.reload, {
    kind: "chain",
    generation: 3,
    runningMs: 500,
    pending: [3],
    starting: [2],
    done: [1],
  });
  assertEquals(seen.reloads, [{ kind: "all", outcome: "done", atMs: 1, text: "Reload done" }]);
  assertEquals(seen.sockets, [{ name: "127.0.0.1:8080", proto: "http", queue: 3, maxQueue: 100 }]);
  assertEquals(seen.workers.map(({ id, requests }) => [id, requests]), [[1, 1010], [2, 1020]]);
  assertEquals(seen.workers[0]?.latency?.length, seen.latencyBoundsUs.length + 1);
  assertEquals(seen.workers[0]?.responses.get("5xx"), 3);
});

Deno.test("parseStats() takes what uWSGI says, and knows what it does not say", () => {
  const seen = parseStats(uwsgiDocument());
  assertEquals([seen.version, seen.phase, seen.uptimeMs, seen.generation, seen.reload], [
    "2.0.21-debian",
    null,
    null,
    null,
    null,
  ]);
  const [busy, gone] = seen.workers;
  assertEquals([busy?.state, busy?.inFlight, busy?.lagUs, busy?.latency], ["busy", 1, null, null]);
  assertEquals([gone?.state, gone?.accepting], ["none", false]);
});

Deno.test("parseStats() says what is not as it should be, and where", () => {
  const worker = statsWorker();
  const wrong: readonly [document: unknown, message: string][] = [
    [[], "the document is a list, not an object"],
    ["x", "the document is a text, not an object"],
    [{}, 'the document has no "version"'],
    [{ ...statsDocument(), workers: null }, 'the document has no "workers"'],
    [{ ...statsDocument(), pid: "1" }, "pid is a text, not a number"],
    [{ ...statsDocument(), paused: 1 }, "paused is a number, not true or false"],
    [statsDocument({ workers: [worker, 3 as never] }), "workers[1] is a number, not an object"],
    [{ ...statsDocument(), workers: [{ ...worker, rss: {} }] }, "workers[0].rss is an object"],
    [
      { ...statsDocument(), workers: [{ ...worker, latency: { buckets: ["a"] } }] },
      "workers[0].latency.buckets is no list of numbers",
    ],
    [{ ...statsDocument(), sockets: [{}] }, 'sockets[0] has no "name"'],
  ];
  for (const [document, message] of wrong) {
    assertThrows(() => parseStats(document), SyntaxError, message);
  }
});

Deno.test("parseStats() ignores a histogram that does not fit its bounds", () => {
  const latency = { buckets: [1, 2], sum_us: 0 };
  const { workers } = parseStats(statsDocument({ workers: [statsWorker({ latency })] }));
  assertEquals(workers[0]?.latency, null);
});
