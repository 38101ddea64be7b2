/** How the result of wrk is read. */
import { assertEquals, assertThrows } from "@std/assert";
import { requestsPerSecond } from "../../../bench/wrk.ts";

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
