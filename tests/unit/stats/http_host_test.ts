/** Which hosts a client may mean. */
import { assertEquals } from "@std/assert";
import { isKnownHost } from "../../../lib/stats/http_host.ts";

const NAMES = ["app.example.com", "*.svc.cluster.local", "web1"];

Deno.test("addresses, localhost and the names that are given are known, with any port", () => {
  const known = [
    ...[null, "", "127.0.0.1", "127.0.0.1:9100", "10.244.1.7:9100", "[::1]:9100", "[::1]"],
    ...["[2001:DB8::1]", "localhost", "LOCALHOST:1", "localhost.", "app.example.com:80", "web1"],
    ...["App.Example.COM.:9100", "app.ns.svc.cluster.local:9100"],
  ];
  assertEquals(known.filter((host) => !isKnownHost(host, NAMES)), []);
});

Deno.test("whatever else it is, it is not known", () => {
  const unknown = [
    ...["evil.example", "evil.example:9100", "localhost.evil.example", "127.0.0.1.evil.example"],
    ...["evilapp.example.com", "x.app.example.com", "svc.cluster.local", "256.0.0.1", "127.1"],
    ...["2130706433", "0x7f.0.0.1", "[::1", "[evil]", "[::1]evil", "::1", "localhost:x"],
    ...["localhost:9100:1", "localhost evil", `${"a".repeat(300)}.svc.cluster.local`, "@localhost"],
    "evil@127.0.0.1",
  ];
  assertEquals(unknown.filter((host) => isKnownHost(host, NAMES)), []);
  assertEquals(isKnownHost("evil.example", ["*"]), true);
});
