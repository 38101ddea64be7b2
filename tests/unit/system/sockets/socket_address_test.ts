/** Socket addresses between text and bytes, compared with what the kernel says. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { openDescriptors } from "../../../../lib/system/descriptor.ts";
import {
  addressText,
  collide,
  inetSockaddr,
  localAddress,
  parseSockaddr,
  peerAddress,
  unixSockaddr,
} from "../../../../lib/system/sockets/socket_address.ts";
import {
  bindAbstract,
  bindTcp,
  bindUnix,
} from "../../../../lib/system/sockets/listening_socket.ts";
import { requireLibc } from "../../../../lib/system/libc.ts";
import { createSharedMemory } from "../../../../lib/system/shared_memory.ts";
import { OwnedDescriptors } from "../../../helpers/owned_descriptors.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

const c = requireLibc();

/** Text to bytes to text. */
function roundTrip(host: string, port: number): string | null {
  const bytes = inetSockaddr(c, host, port);
  const address = bytes && parseSockaddr(bytes);
  return address && addressText(address);
}

Deno.test("parseSockaddr() gives back every IPv4 address that inetSockaddr() makes", () => {
  fc.assert(fc.property(fc.ipV4(), fc.nat(65535), (host, port) => {
    assertEquals(roundTrip(host, port), `${host}:${port}`);
  }));
});

Deno.test("parseSockaddr() gives back every IPv6 address that inetSockaddr() makes", () => {
  const group = fc.oneof(fc.nat(0xffff), fc.constant(0));
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), fc.nat(65535), (groups, port) => {
      // Mapped IPv4 addresses are written with dots.
      fc.pre(groups.slice(0, 5).some((value) => value !== 0) || groups[5] !== 0xffff);
      const written = groups.map((value) => value.toString(16)).join(":");
      const shown = roundTrip(written, port) ?? "";
      const again = roundTrip(shown.replace(/^\[(.*)\]:\d+$/, "$1"), port);
      assertEquals(again, shown);
      assertEquals(expanded(shown), `[${written}]:${port}`);
    }),
    { numRuns: 300 },
  );
});

/** Writes the `::` of an IPv6 address out. */
function expanded(text: string): string {
  const missing = 8 - (text.match(/[0-9a-f]+(?=[:\]])/g) ?? []).length;
  const zeros = Array.from({ length: missing }, () => "0").join(":");
  return text.replace(
    /(\[?)([0-9a-f]?)::([0-9a-f]?)/,
    (_, open: string, before: string, after: string) =>
      `${open}${before}${before && ":"}${zeros}${after && ":"}${after}`,
  );
}

Deno.test("addressText() writes IPv6 addresses in the form of RFC 5952", () => {
  const cases: readonly [written: string, shown: string][] = [
    // 4.1: no leading zeros.
    ["2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"],
    // 4.2.1: as short as possible.
    ["2001:db8:0:0:0:0:2:1", "2001:db8::2:1"],
    // 4.2.2: a single zero group stays.
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    // 4.2.3: the longest run; the first of equal ones.
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["0:0:1:0:0:0:0:1", "0:0:1::1"],
    // 4.3: lower case.
    ["2001:DB8::ABCD", "2001:db8::abcd"],
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["fe80::", "fe80::"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"],
    ["0:0:3:4:5:6:7:8", "::3:4:5:6:7:8"],
    ["10:0:0:10:0:100:0:0", "10::10:0:100:0:0"],
    ["a0:0:0:0a:0:0:0:b", "a0:0:0:a::b"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
  ];
  for (const [written, shown] of cases) assertEquals(roundTrip(written, 80), `[${shown}]:80`);
});

Deno.test("inetSockaddr() lays the bytes out as ip(7) and ipv6(7) say", () => {
  assertEquals([...inetSockaddr(c, "1.2.3.4", 0x1234) ?? []].slice(0, 8), [
    ...[2, 0, 0x12, 0x34],
    ...[1, 2, 3, 4],
  ]);
  const v6 = [...inetSockaddr(c, "::1", 0x1234) ?? []];
  assertEquals(v6.length, 28);
  assertEquals([v6.slice(0, 4), v6.slice(8, 24).at(-1)], [[10, 0, 0x12, 0x34], 1]);
});

Deno.test("inetSockaddr() is null, when the host is no numeric address", () => {
  for (
    const host of ["", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "[::1]", "1::2::3", "::1%lo"]
  ) {
    assertEquals(inetSockaddr(c, host, 1), null, host);
  }
});

Deno.test("parseSockaddr() gives back every path and abstract name that unixSockaddr() makes", () => {
  const name = fc.string({ minLength: 1, maxLength: 25, unit: "grapheme" })
    .filter((text) => !text.includes("\0"));
  fc.assert(fc.property(name, fc.boolean(), (path, abstract) => {
    const bytes = unixSockaddr(path, abstract);
    assertEquals(parseSockaddr(bytes), { family: "unix", path, abstract });
  }));
});

Deno.test("parseSockaddr() gives a Unix socket without a name, when it is bound to none", () => {
  assertEquals(parseSockaddr(new Uint8Array([1, 0])), {
    family: "unix",
    path: "",
    abstract: false,
  });
});

Deno.test("parseSockaddr() is null, when the bytes are too short or of another family", () => {
  assertEquals(parseSockaddr(new Uint8Array(0)), null);
  assertEquals(parseSockaddr(new Uint8Array([2])), null);
  assertEquals(parseSockaddr(new Uint8Array([2, 0, 0, 80])), null);
  assertEquals(parseSockaddr(new Uint8Array([10, 0, ...new Uint8Array(14)])), null);
  assertEquals(parseSockaddr(new Uint8Array([16, 0, ...new Uint8Array(20)])), null);
});

Deno.test("parseSockaddr() throws nothing, whatever bytes it reads", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 130 }), (bytes) => void parseSockaddr(bytes)));
});

Deno.test("addressText() writes every kind of address as an operator does", () => {
  assertEquals(addressText({ family: "inet", host: "127.0.0.1", port: 80 }), "127.0.0.1:80");
  assertEquals(addressText({ family: "inet6", host: "::1", port: 80 }), "[::1]:80");
  assertEquals(addressText({ family: "unix", path: "/a b", abstract: false }), "/a b");
  assertEquals(addressText({ family: "unix", path: "n", abstract: true }), "@n");
});

Deno.test("localAddress() tells what the kernel has bound", async () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const options = { port: 0, reusePort: false, keepalive: false };
  const v4 = localAddress(c, owned.own(bindTcp(c, { host: "127.0.0.1", ...options })));
  assertEquals(v4?.family === "inet" && [v4.host, v4.port > 0], ["127.0.0.1", true]);
  const v6 = localAddress(c, owned.own(bindTcp(c, { host: "::1", ...options })));
  assertEquals(v6?.family === "inet6" && [v6.host, v6.port > 0], ["::1", true]);
  const path = directory.at("ä.sock");
  const unix = localAddress(c, owned.own(await bindUnix(c, path)));
  assertEquals(unix, { family: "unix", path, abstract: false });
  const name = `duwsgi-test-${crypto.randomUUID()}`;
  const abstract = localAddress(c, owned.own(bindAbstract(c, name)));
  assertEquals(abstract, { family: "unix", path: name, abstract: true });
});

Deno.test("localAddress() gives the whole path, when it is as long as unix(7) allows", async () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const path = directory.at("x".repeat(107 - directory.path.length - 1));
  const address = localAddress(c, owned.own(await bindUnix(c, path)));
  assertEquals(address, { family: "unix", path, abstract: false });
});

Deno.test("localAddress() is null, when the descriptor is no socket or not open", () => {
  using owned = new OwnedDescriptors();
  const fd = owned.own(createSharedMemory(c, "duwsgi-test", 8));
  assertEquals([localAddress(c, fd), localAddress(c, 900_000)], [null, null]);
});

Deno.test("peerAddress() tells who is at the far end, and null for a socket that listens", async () => {
  using owned = new OwnedDescriptors();
  const fd = owned.listen(owned.own(bindAbstract(c, `duwsgi-test-${crypto.randomUUID()}`)));
  assertEquals(peerAddress(c, fd), null);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  using server = await listener.accept();
  const peers = openDescriptors(c).map((fd) => peerAddress(c, fd))
    .map((address) => address?.family === "inet" ? address.port : null);
  assert(peers.includes(listener.addr.port) && peers.includes(client.localAddr.port));
  assertEquals(server.remoteAddr.port, client.localAddr.port);
});

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
