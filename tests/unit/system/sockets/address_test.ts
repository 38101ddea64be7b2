import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  type Address,
  formatAddress,
  parseAddress,
} from "../../../../lib/system/sockets/address.ts";

const tcp = (host: string, port: number, ipv6 = false): Address => ({
  kind: "tcp",
  host,
  port,
  ipv6,
});

const GOOD: readonly (readonly [text: string, address: Address])[] = [
  ["127.0.0.1:8080", tcp("127.0.0.1", 8080)],
  ["Example.COM:80", tcp("example.com", 80)],
  ["my_service-1:1", tcp("my_service-1", 1)],
  [":8080", tcp("", 8080)],
  [":0", tcp("", 0)],
  [":", tcp("", 0)],
  ["localhost:", tcp("localhost", 0)],
  [":65535", tcp("", 65535)],
  [":08080", tcp("", 8080)],
  ["[::1]:8080", tcp("::1", 8080, true)],
  ["[::]:0", tcp("::", 0, true)],
  ["[::]:", tcp("::", 0, true)],
  ["[FE80::1%Eth0]:80", tcp("fe80::1%Eth0", 80, true)],
  ["/run/app.sock", { kind: "unix", path: "/run/app.sock" }],
  ["relative.sock", { kind: "unix", path: "relative.sock" }],
  ["./localhost", { kind: "unix", path: "./localhost" }],
  ["localhost.sock", { kind: "unix", path: "localhost.sock" }],
  ["127.0.0.1.sock", { kind: "unix", path: "127.0.0.1.sock" }],
  ["@name", { kind: "abstract", name: "name" }],
  ["@a:b", { kind: "abstract", name: "a:b" }],
  ["fd://3", { kind: "fd", fd: 3 }],
  ["fd://web", { kind: "passed", name: "web" }],
  ["fd://my-app@1.socket", { kind: "passed", name: "my-app@1.socket" }],
  ["  :80 ", tcp("", 80)],
];

Deno.test("parseAddress() understands every form", () => {
  for (const [text, address] of GOOD) assertEquals(parseAddress(text), address, text);
});

Deno.test("parseAddress() says what is wrong, when it is none of the forms", () => {
  const bad: readonly (readonly [text: string, message: string])[] = [
    ["", "is empty"],
    ["@", "abstract name"],
    ["8080", "write :8080"],
    ["=0", "Shared sockets"],
    ["localhost", "write localhost:8080"],
    ["LocalHost", "write LocalHost:8080"],
    ["app.localhost", "host without a port"],
    ["127.0.0.1", "write 127.0.0.1:8080, or ./127.0.0.1 for a path"],
    ["1.2.3.256", "host without a port"],
    ["::1:80", "write IPv6 addresses as"],
    ["[::1]", "like [::1]:8080"],
    ["[::1]8080", "like [::1]:8080"],
    ["[1.2.3.4]:80", "no IPv6 address"],
    ["[:::]:80", "no IPv6 address"],
    ["[::1/64]:80", "no IPv6 address"],
    [":65536", "no port"],
    [":-1", "no port"],
    [":http", "no port"],
    [":8080 ; web", "no port"],
    ["1.2.3:80", "no host name"],
    ["1.2.3.256:80", "no host name"],
    ["a b:80", "no host name"],
    ["-a:80", "no host name"],
    ["http://a:80", "is a URL"],
    ["fd://", "no file descriptor"],
    ["fd://-1", "no file descriptor"],
    ["fd://99999999999", "no file descriptor"],
    ["fd://a b", "no name of a passed socket"],
    ["fd://a:b", "no name of a passed socket"],
    ["a\0b", "NUL"],
  ];
  for (const [text, message] of bad) assertThrows(() => parseAddress(text), SyntaxError, message);
});

Deno.test("parseAddress() limits names to what sun_path holds, counted in bytes", () => {
  assertEquals(parseAddress(`/${"a".repeat(106)}`).kind, "unix");
  assertEquals(parseAddress(`@${"a".repeat(107)}`).kind, "abstract");
  assertThrows(() => parseAddress(`/${"a".repeat(107)}`), SyntaxError, "108 bytes");
  assertThrows(() => parseAddress(`@${"é".repeat(54)}`), SyntaxError, "108 bytes");
});

Deno.test("formatAddress() is read back as the same address", () => {
  for (const [text, address] of GOOD) {
    assertEquals(parseAddress(formatAddress(address)), address, text);
  }
});

Deno.test("parseAddress() throws nothing but SyntaxError, whatever it is given", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    try {
      assertEquals(parseAddress(formatAddress(parseAddress(text))), parseAddress(text));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }));
});
