/** The header of the PROXY protocol: read exactly, or refused. */
import { assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import {
  MAX_HEADER_BYTES,
  readProxyHeader,
} from "../../../../lib/worker/proxy_protocol/proxy_header.ts";
import { binaryHeader } from "../../../helpers/proxy_header.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("version 1 tells the client", () => {
  const cases: readonly (readonly [string, [string, number] | null])[] = [
    ["PROXY TCP4 192.0.2.7 192.0.2.8 4711 80\r\n", ["192.0.2.7", 4711]],
    ["PROXY TCP6 2001:db8::7 ::1 4711 80\r\n", ["2001:db8::7", 4711]],
    ["PROXY UNKNOWN\r\n", null],
    ["PROXY UNKNOWN ffff:f...f 65535\r\n", null],
  ];
  for (const [line, expected] of cases) {
    const header = readProxyHeader(bytes(`${line}GET / HTTP/1.1\r\n`));
    const client = expected && { hostname: expected[0], port: expected[1] };
    assertEquals(header, { length: line.length, client });
    for (let length = 0; length < line.length; length++) {
      assertEquals(readProxyHeader(bytes(line).subarray(0, length)), null, `${length} of ${line}`);
    }
  }
});

Deno.test("version 2 tells the client, whatever else it tells", () => {
  const v4 = [192, 0, 2, 7, 192, 0, 2, 8, 0x12, 0x67, 0, 80];
  const v6 = [0x20, 1, 13, 0xb8, ...Array<number>(11).fill(0), 7, ...Array<number>(16).fill(0)];
  const ports = [0x12, 0x67, 0, 80];
  const cases: readonly (readonly [Uint8Array, [string, number] | null])[] = [
    [binaryHeader(0x21, 0x11, v4), ["192.0.2.7", 4711]],
    [binaryHeader(0x21, 0x11, [...v4, 4, 0, 1, 0]), ["192.0.2.7", 4711]],
    [binaryHeader(0x21, 0x21, [...v6, ...ports]), ["2001:db8::7", 4711]],
    [binaryHeader(0x20, 0x11, v4), null],
    [binaryHeader(0x20, 0, []), null],
    [binaryHeader(0x21, 0x31, Array<number>(216).fill(0)), null],
  ];
  for (const [header, expected] of cases) {
    const client = expected && { hostname: expected[0], port: expected[1] };
    assertEquals(readProxyHeader(header), { length: header.length, client });
    for (let length = 0; length < header.length; length++) {
      assertEquals(readProxyHeader(header.subarray(0, length)), null);
    }
  }
});

Deno.test("what is malformed is refused as soon as that is seen", () => {
  const wrong: readonly Uint8Array[] = [
    bytes("GET / HTTP/1.1\r\n"),
    bytes("PROXX"),
    bytes("PROXY TCP4 192.0.2.777 192.0.2.8 4711 80\r\n"),
    bytes("PROXY TCP4 ::1 ::1 1 2\r\n"),
    bytes("PROXY TCP4 192.0.2.7 192.0.2.8 99999 80\r\n"),
    bytes("PROXY TCP4 192.0.2.7 192.0.2.8 4711 80\n"),
    bytes(`PROXY UNKNOWN ${"x".repeat(107)}`),
    binaryHeader(0x11, 0x11, []),
    binaryHeader(0x22, 0x11, []),
    binaryHeader(0x21, 0x11, [1, 2, 3]),
    binaryHeader(0x21, 0x21, Array<number>(12).fill(1)),
    binaryHeader(0x21, 0x11, Array<number>(MAX_HEADER_BYTES).fill(1)).subarray(0, 16),
  ];
  for (const one of wrong) assertThrows(() => readProxyHeader(one), SyntaxError);
});

Deno.test("whatever the bytes are, they are a header, too few, or refused", () => {
  const begin = fc.constantFrom(bytes("PROXY TCP4 "), binaryHeader(0x21, 0x11, []).subarray(0, 14));
  fc.assert(fc.property(begin, fc.uint8Array({ maxLength: 200 }), (first, rest) => {
    try {
      const all = Uint8Array.from([...first, ...rest]);
      const header = readProxyHeader(all);
      if (header !== null) assertEquals(header.length <= all.length, true);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }));
});
