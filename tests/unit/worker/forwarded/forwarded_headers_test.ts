/** What proxies say of a request. */
import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import {
  forwardedClient,
  forwardedUrl,
} from "../../../../lib/worker/forwarded/forwarded_headers.ts";
import { Networks } from "../../../../lib/worker/forwarded/networks.ts";

const PROXIES = new Networks(["10.0.0.0/8", "fd00::/8"]);

Deno.test("the client is the last address that is no proxy's", () => {
  const cases: readonly (readonly [string, string | null, number])[] = [
    ["192.0.2.7", "192.0.2.7", 0],
    ["6.6.6.6, 192.0.2.7,10.1.1.1 , fd00::1", "192.0.2.7", 0],
    ["192.0.2.7:4711", "192.0.2.7", 4711],
    ["[2001:db8::7]:80, 10.0.0.1:5", "2001:db8::7", 80],
    ["2001:db8::7", "2001:db8::7", 0],
    ["10.0.0.3, 10.0.0.2", "10.0.0.3", 0],
    ["6.6.6.6, unknown, 10.0.0.2", "10.0.0.2", 0],
    ["6.6.6.6, unknown", null, 0],
    ["", null, 0],
    ["1.2.3", null, 0],
    ["1.2.3.4:123456", null, 0],
    ["1.2.3.4:65536", null, 0],
    // What is used is the address that was read, not its text.
    ["[2001:DB8:0:0::1]", "2001:db8::1", 0],
    ["[2001:db8::1\t]", null, 0],
    ["2001:db8::1\n", null, 0],
    ["::ffff:192.0.2.7", "192.0.2.7", 0],
    ["[192.0.2.7]", null, 0],
    ["[2001:db8::1", null, 0],
    ["2001:db8::1]/", null, 0],
    [" \t192.0.2.7 \t", "192.0.2.7", 0],
    ["\u00a0192.0.2.7", null, 0],
    [`192.0.2.7${" ".repeat(60)}`, null, 0],
    [":".repeat(60_000), null, 0],
    [",".repeat(60_000), null, 0],
  ];
  for (const [header, hostname, port] of cases) {
    const expected = hostname === null ? null : { hostname, port };
    assertEquals(forwardedClient(header, PROXIES), expected, header);
  }
});

Deno.test("whatever a client sends itself, it is not taken for another one", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme-ascii" }), (made) => {
    const client = forwardedClient(`${made}, 192.0.2.7, 10.0.0.1`, PROXIES);
    assertEquals(client, { hostname: "192.0.2.7", port: 0 });
  }));
});

Deno.test("scheme and host of the URL follow the last proxy, and nothing else of it", () => {
  const url = "http://a:8080/p//q?x=http://b#";
  assertEquals(forwardedUrl(url, null, null), null);
  assertEquals(forwardedUrl(url, "http", "a:8080"), null);
  assertEquals(forwardedUrl(url, "http, HTTPS", null), "https://a:8080/p//q?x=http://b#");
  assertEquals(forwardedUrl(url, null, "evil, c.example"), "http://c.example/p//q?x=http://b#");
  assertEquals(forwardedUrl("http://[::1]:80/", "https", "[::2]"), "https://[::2]/");
  // Deno's URL of a request that came over a Unix socket.
  const unix = "http+unix://shop.test/cart?id=7";
  assertEquals(forwardedUrl(unix, "https", "shop.test"), "https://shop.test/cart?id=7");
  assertEquals(forwardedUrl(unix, "https", null), "https://shop.test/cart?id=7");
  assertEquals(forwardedUrl(unix, "http", null), "http://shop.test/cart?id=7");
  assertEquals(forwardedUrl(unix, null, "a.test"), "http://a.test/cart?id=7");
  assertEquals(forwardedUrl(unix, null, null), null);
  for (const proto of ["ftp", "javascript", "", "https,"]) {
    assertEquals(forwardedUrl(url, proto, null), null, proto);
  }
  for (const host of ["a/b", "u@b", "a b", "a:port", ""]) {
    assertEquals(forwardedUrl(url, null, host), null, host);
  }
});
