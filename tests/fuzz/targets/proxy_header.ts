/**
 * Fuzzes the header of the PROXY protocol: whatever comes in whatever pieces, a client comes out by an
 * address in its usual form, with everything behind the header, or a SyntaxError.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { readAddress } from "../../../lib/worker/forwarded/networks.ts";
import {
  MAX_HEADER_BYTES,
  readProxyHeader,
} from "../../../lib/worker/proxy_protocol/proxy_header.ts";
import { receiveHeader } from "../../../lib/worker/proxy_protocol/relay.ts";
import { binaryHeader, lineHeader } from "../../helpers/proxy_header.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import type { Random } from "../random.ts";
import { streamOf } from "../stream_of.ts";

export const target: FuzzTarget = {
  name: "proxy_header",
  async run(random: Random, rounds: number) {
    for (let round = 0; round < rounds; round++) {
      const rest = random.bytes(random.int(0, 50));
      const header = goodHeader(random);
      const good = await begunOf(random, [header, rest]);
      assertEquals(good?.rest, rest.subarray(0, good?.rest.length));
      const expected = readProxyHeader(header);
      assertEquals([good?.client, expected?.length], [expected?.client, header.length]);
      try {
        const begun = await begunOf(random, [random.mutate(header), rest]);
        assertClient(begun?.client ?? null);
        assert((begun?.rest.length ?? 0) <= MAX_HEADER_BYTES);
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
      }
    }
  },
};

function begunOf(random: Random, parts: readonly Uint8Array[]) {
  return receiveHeader(streamOf(random, parts), 60_000);
}

function goodHeader(random: Random): Uint8Array<ArrayBuffer> {
  const port = random.int(0, 65_535);
  const v4 = random.bytes(12);
  switch (random.int(0, 4)) {
    case 0:
      return new TextEncoder().encode(lineHeader(v4.subarray(0, 4).join("."), port));
    case 1:
      return new TextEncoder().encode(
        `PROXY TCP6 2001:DB8::${port.toString(16)} ::1 ${port} 80\r\n`,
      );
    case 2:
      return new TextEncoder().encode("PROXY UNKNOWN\r\n");
    case 3:
      return binaryHeader(0x21, 0x11, [...v4, ...random.bytes(random.int(0, 20))]);
    default:
      return binaryHeader(random.pick([0x20, 0x21]), random.pick([0, 0x21]), [...random.bytes(36)]);
  }
}

function assertClient(client: { readonly hostname: string; readonly port: number } | null): void {
  if (client === null) return;
  assertEquals(readAddress(client.hostname)?.text, client.hostname);
  assert(client.port >= 0 && client.port <= 65_535, String(client.port));
}
