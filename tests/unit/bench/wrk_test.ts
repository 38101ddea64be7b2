/** How the result of wrk is read. */
import { assertEquals, assertThrows } from "@std/assert";
import { readWrk, requestsPerSecond } from "../../../bench/wrk.ts";

const GOOD = `Running 1s test @ http://127.0.0.1:8080/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   381.11us   63.57us   1.32ms   89.04%
    Req/Sec   167.12k     3.92k  171.00k    81.82%
  182864 requests in 1.10s, 27.55MB read
Requests/sec: 166290.62
Transfer/sec:     25.06MB`;

Deno.test("requestsPerSecond() is what wrk says", () => {
  assertEquals(requestsPerSecond(GOOD), 166290.62);
});

Deno.test("requestsPerSecond() fails, when answers were missing or bad", () => {
  const errors = [
    "  Socket errors: connect 0, read 3, write 0, timeout 0",
    "  Non-2xx or 3xx responses: 12",
  ];
  for (const line of errors) {
    const text = GOOD.replace("Requests/sec", `${line}\nRequests/sec`);
    assertThrows(() => requestsPerSecond(text), Error, line);
  }
  assertThrows(() => requestsPerSecond("unable to connect"), Error, "unable to connect");
});

const LATENCY = GOOD.replace(
  "  182864",
  "  Latency Distribution\n     50%    2.05ms\n     99%    4.50ms\n  182864",
);

Deno.test("readWrk() reads the latency in its units", () => {
  assertEquals(readWrk(LATENCY), { requestsPerSecond: 166290.62, p99Ms: 4.5, errors: 0 });
  assertEquals(readWrk(LATENCY.replace("4.50ms", "500.00us")).p99Ms, 0.5);
  assertEquals(readWrk(LATENCY.replace("4.50ms", "1.25s ")).p99Ms, 1250);
});

Deno.test("readWrk() counts what went wrong", () => {
  const errors = "  Socket errors: connect 1, read 3, write 0, timeout 20\n" +
    "  Non-2xx or 3xx responses: 400\n";
  assertEquals(readWrk(LATENCY.replace("Requests/sec", `${errors}Requests/sec`)).errors, 424);
});

Deno.test("readWrk() fails without a result", () => {
  assertThrows(() => readWrk(GOOD), Error, "wrk found nothing");
  assertThrows(() => readWrk("unable to connect"), Error, "unable to connect");
});
