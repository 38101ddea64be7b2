import { assertEquals } from "@std/assert";
import { addressOf, probeFailure } from "../../../../lib/worker/probe/question.ts";

Deno.test("addressOf() names the first socket as a client of it would", () => {
  const cases = [
    ["127.0.0.1:8080", "http-socket", "http://127.0.0.1:8080"],
    ["0.0.0.0:80", "socket", "http://localhost:80"],
    ["[::]:443", "https-socket", "https://localhost:443"],
    ["[2001:db8::1]:81", "http-socket", "http://[2001:db8::1]:81"],
    ["127.0.0.1:3031", "uwsgi-socket", "http://127.0.0.1:3031"],
    ["/run/app:1", "http-socket", "http://localhost"],
    ["@name:2", "socket", "http://localhost"],
  ] as const;
  for (const [address, protocol, expected] of cases) {
    assertEquals(addressOf({ address, protocol }), expected);
  }
});

Deno.test("checkResponse() takes 2xx and 3xx, and nothing else", () => {
  assertEquals([200, 204, 301, 399].map(probeFailure), [null, null, null, null]);
  assertEquals([100, 400, 503].map(probeFailure), [
    "was answered with status 100",
    "was answered with status 400",
    "was answered with status 503",
  ]);
});
