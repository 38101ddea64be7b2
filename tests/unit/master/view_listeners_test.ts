/** The sockets at which the master shows itself. */
import { assertEquals } from "@std/assert";
import { collide } from "../../../lib/master/view_listeners.ts";

Deno.test("collide() is true for addresses at which only one socket can listen", () => {
  const pairs: readonly (readonly [string, string, boolean])[] = [
    ["127.0.0.1:80", "127.0.0.1:80", true],
    ["127.0.0.1:80", "127.0.0.1:8", false],
    ["127.0.0.1:80", "127.0.0.2:80", false],
    ["0.0.0.0:80", "127.0.0.2:80", true],
    ["[::1]:80", "[::]:80", true],
    ["[::1]:80", "127.0.0.1:80", false],
    ["/run/a:80", "0.0.0.0:80", false],
    ["@a:80", "0.0.0.0:80", false],
    ["/run/a.sock", "/run/a.sock", true],
    ["@a", "/a", false],
  ];
  for (const [a, b, expected] of pairs) {
    assertEquals([a, b, collide(a, b), collide(b, a)], [a, b, expected, expected]);
  }
});
