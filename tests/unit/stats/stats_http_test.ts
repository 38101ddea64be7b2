/** The HTTP of the stats server. */
import { assertEquals, assertMatch } from "@std/assert";
import { statsResponse } from "../../../lib/stats/stats_http.ts";

const END = " HTTP/1.1\r\nHost: x\r\n\r\n";

Deno.test("statsResponse() gives the document to GET, with its length in bytes", () => {
  assertEquals(
    statsResponse(`GET /any?thing${END}`, '{"cwd":"ö"}'),
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n" +
      'Cache-Control: no-store\r\nConnection: close\r\n\r\n{"cwd":"ö"}',
  );
});

Deno.test("statsResponse() gives HEAD the head alone", () => {
  const [get, head] = ["GET", "HEAD"].map((method) => statsResponse(`${method} /${END}`, "{}"));
  assertEquals(head, get?.slice(0, -2));
});

Deno.test("statsResponse() takes HTTP/1.0, and lines that end with LF alone", () => {
  assertMatch(statsResponse("GET / HTTP/1.0\n\n", "{}"), /^HTTP\/1\.1 200 /);
});

Deno.test("statsResponse() refuses other methods, and what is no request or none that ends", () => {
  assertMatch(statsResponse(`POST /${END}`, "{}"), /^HTTP\/1\.1 405 [^]*\r\nAllow: GET, HEAD\r\n/);
  for (
    const head of ["", "\r\n\r\n", "GET /\r\n\r\n", "get / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1"]
  ) {
    assertMatch(statsResponse(head, "{}"), /^HTTP\/1\.1 400 [^]*This is no HTTP request\n$/);
  }
});
