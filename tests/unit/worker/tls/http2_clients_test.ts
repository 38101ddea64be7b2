/** Which connections speak HTTP/2. */
import { assertEquals } from "@std/assert";
import { Http2Clients } from "../../../../lib/worker/tls/http2_clients.ts";

const HTTP1 = new Headers({ host: "localhost" });
const HTTP2 = new Headers({ accept: "*/*" });

Deno.test("a client speaks HTTP/2 if it has sent neither Host nor Connection", () => {
  const clients = new Http2Clients(() => []);
  clients.note("a", HTTP2);
  clients.note("b", HTTP1);
  clients.note("c", new Headers({ connection: "keep-alive" }));
  assertEquals(["a", "b", "c", "d"].map((client) => clients.has(client)), [
    ...[true, false, false, false],
  ]);
});

Deno.test("an address that another client has now is known by what that one speaks", () => {
  const clients = new Http2Clients(() => []);
  clients.note("a", HTTP2);
  clients.note("a", HTTP1);
  assertEquals(clients.has("a"), false);
});

Deno.test("clients that are gone are forgotten in the end", () => {
  const living = ["5", "1999"];
  const clients = new Http2Clients(() => living);
  for (let i = 0; i < 10_000; i++) clients.note(String(i), HTTP2);
  assertEquals(clients.has("1999"), true);
  assertEquals(clients.has("0"), false);
  assertEquals(clients.size < 2048, true);
});
