/** Host names to addresses. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { resolveHost } from "../../../../lib/system/sockets/resolve_host.ts";

Deno.test("resolveHost() means all IPv4 addresses, when the host is empty", async () => {
  assertEquals(await resolveHost(""), "0.0.0.0");
});

Deno.test("resolveHost() leaves numeric addresses as they are", async () => {
  for (const host of ["127.0.0.1", "0.0.0.0", "::", "::1", "fe80::1", "::ffff:1.2.3.4"]) {
    assertEquals(await resolveHost(host), host);
  }
});

Deno.test("resolveHost() finds localhost", async () => {
  assert(["127.0.0.1", "::1"].includes(await resolveHost("localhost")));
});

Deno.test("resolveHost() says which name is unknown, when it cannot be resolved", async () => {
  // RFC 6761, 6.4: names in `invalid` never exist.
  const error = await assertRejects(() => resolveHost("nobody.invalid"));
  assert(error instanceof Error && error.message.includes('"nobody.invalid"'));
});
