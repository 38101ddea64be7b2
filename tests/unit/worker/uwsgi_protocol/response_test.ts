/** The head of a response. */
import { assertEquals } from "@std/assert";
import { isBodiless, responseHead } from "../../../../lib/worker/uwsgi_protocol/response.ts";

function text(response: Response, length: number | null): string {
  return String.fromCharCode(...responseHead(response, length));
}

Deno.test("status, reason and headers, those of the connection left out", () => {
  const headers: [string, string][] = [
    ["x-a", "\xe4"],
    ["set-cookie", "a=1"],
    ["set-cookie", "b=2"],
    ["connection", "close"],
    ["transfer-encoding", "chunked"],
  ];
  assertEquals(
    text(new Response(null, { status: 404, headers }), null),
    "HTTP/1.1 404 Not Found\r\nset-cookie: a=1\r\nset-cookie: b=2\r\nx-a: \xe4\r\n\r\n",
  );
});

Deno.test("the length that is known replaces the one that was said", () => {
  const response = new Response("abc", { headers: { "content-length": "99" } });
  response.headers.delete("content-type");
  assertEquals(text(response, 3), "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n");
  assertEquals(text(response, null), "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n");
});

Deno.test("a reason of one's own is kept, an unknown one left out", () => {
  assertEquals(text(new Response(null, { status: 299 }), null), "HTTP/1.1 299 \r\n\r\n");
  const own = new Response(null, { status: 200, statusText: "Fine" });
  assertEquals(text(own, null), "HTTP/1.1 200 Fine\r\n\r\n");
});

Deno.test("some statuses have no body", () => {
  assertEquals([200, 204, 205, 304, 404].filter(isBodiless), [204, 205, 304]);
});
