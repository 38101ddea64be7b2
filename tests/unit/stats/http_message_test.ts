import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { encodeAnswer, lineAnswer, parseHead } from "../../../lib/stats/http_message.ts";

function statusOf(head: string): number | string {
  const parsed = parseHead(head);
  return "status" in parsed ? parsed.status : `${parsed.method} ${parsed.path} ${parsed.accept}`;
}

Deno.test("parseHead() takes GET and HEAD, and says what is wrong with the rest", () => {
  const cases = [
    ["GET /metrics HTTP/1.1\r\nHost: a\r\nACCEPT:  text/plain \r\n\r\n", "GET /metrics text/plain"],
    ["HEAD /a?b=c HTTP/1.0\n\n", "HEAD /a "],
    ["GET http://a:1/x?y HTTP/1.1\r\n\r\n", "GET /x "],
    ["GET http://a HTTP/1.1\r\n\r\n", "GET / "],
    ["GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "GET / "],
    ["GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nno field\r\n\r\n", 400],
    ["POST / HTTP/1.1\r\n\r\n", 405],
    ["GET / HTTP/2.0\r\n\r\n", 400],
    ["GET  / HTTP/1.1\r\n\r\n", 400],
    ["\u0016\u0003\u0001\r\n\r\n", 400],
    ["\r\n\r\n", 400],
    ["", 400],
    ["get / HTTP/1.1\r\n\r\n", 400],
    ["GET / HTTP/1.1 x\r\n\r\n", 400],
    ["GET /\u0080 HTTP/1.1\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\na:  \rx\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\na: \0\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\na b: c\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\n: c\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\n a: c\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 400],
    ["GET / HTTP/1.1", 431],
    [`GET / HTTP/1.1\r\nA: ${"a".repeat(9000)}`, 431],
  ] as const;
  for (const [head, expected] of cases) assertEquals(statusOf(head), expected, head);
});

Deno.test("parseHead() has an answer for everything", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (head) => {
    assert(["number", "string"].includes(typeof statusOf(head)));
  }));
});

Deno.test("encodeAnswer() tells the length, also of a body that it leaves out", () => {
  const answer = lineAnswer(405, "grün");
  const [head = "", body] = new TextDecoder().decode(encodeAnswer(answer, true)).split("\r\n\r\n");
  assertEquals(body, "grün\n");
  assert(head.startsWith("HTTP/1.1 405 Method Not Allowed\r\n"));
  assert(head.includes("\r\nContent-Length: 6\r\n") && head.includes("\r\nAllow: GET, HEAD"));
  assertEquals(new TextDecoder().decode(encodeAnswer(answer, false)), `${head}\r\n\r\n`);
});
