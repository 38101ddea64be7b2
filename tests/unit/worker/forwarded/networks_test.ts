/** Which addresses belong to proxies that are believed. */
import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { addressBytes, Networks } from "../../../../lib/worker/forwarded/networks.ts";

Deno.test("addresses are in the networks that cover them, in whatever form they are written", () => {
  const networks = new Networks(["10.0.0.0/8", "192.0.2.7", "2001:db8::/33", "::1"]);
  const inside = ["10.255.0.1", "192.0.2.7", "::ffff:192.0.2.7", "2001:db8:7fff::1", "0:0::1"];
  const outside = [
    "11.0.0.1",
    "192.0.2.6",
    "2001:db8:8000::",
    "::2",
    "",
    "x",
    "10.0.0",
    "10.0.0.256",
  ];
  assertEquals(inside.filter((one) => !networks.has(one)), []);
  assertEquals(outside.filter((one) => networks.has(one)), []);
});

Deno.test("any number of bits is compared, and no more", () => {
  fc.assert(fc.property(fc.ipV4(), fc.ipV4(), fc.nat(32), (one, other, bits) => {
    const begin = (text: string) =>
      text.split(".").map((part) => Number(part).toString(2).padStart(8, "0")).join("").slice(
        0,
        bits,
      );
    assertEquals(new Networks([`${one}/${bits}`]).has(other), begin(one) === begin(other));
  }));
  fc.assert(fc.property(fc.ipV6(), (one) => {
    assertEquals(addressBytes(one)?.length, 16);
    assertEquals(new Networks([one]).has(one), true);
  }));
});

Deno.test("Unix sockets have a word of their own, and so has everybody", () => {
  const unix = { transport: "unix", path: "/run/a.sock" } as const;
  const tcp = { transport: "tcp", hostname: "::1", port: 1 } as const;
  const who = (...entries: string[]) => {
    const networks = new Networks(entries);
    return [unix, tcp].map((address) => networks.hasPeer(address));
  };
  assertEquals(who("unix"), [true, false]);
  assertEquals(who("::1"), [false, true]);
  assertEquals(who("*"), [true, true]);
  assertEquals(new Networks(["unix"]).has("::1"), false);
});
