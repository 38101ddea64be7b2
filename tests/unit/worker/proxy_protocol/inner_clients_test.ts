/** Whose requests come on which inner connection. */
import { assertEquals } from "@std/assert";
import { InnerClients } from "../../../../lib/worker/proxy_protocol/inner_clients.ts";

const at = (hostname: string, port: number) => ({ transport: "tcp" as const, hostname, port });

Deno.test("a client is known by the whole address of its connection", () => {
  const clients = new InnerClients();
  const client = at("192.0.2.7", 1);
  const forget = clients.add(at("127.0.0.1", 40_000), client);
  assertEquals(clients.of(at("127.0.0.1", 40_000)), client);
  assertEquals(clients.of(at("127.0.0.2", 40_000)), null);
  assertEquals(clients.of(at("127.0.0.1", 40_001)), null);
  assertEquals(clients.of({ transport: "unix", path: "127.0.0.1 40000" }), null);
  const next = at("192.0.2.8", 1);
  clients.add(at("127.0.0.1", 40_000), next);
  forget();
  assertEquals(clients.of(at("127.0.0.1", 40_000)), next);
});
