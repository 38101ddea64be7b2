/**
 * Fuzzes requests in the uwsgi protocol: whatever comes in whatever pieces, the head of a request comes
 * out that says nothing but what was sent, or a Refusal; and no more is read than there can be.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { readAddress } from "../../../lib/worker/forwarded/networks.ts";
import { receivePacket } from "../../../lib/worker/uwsgi_protocol/incoming.ts";
import { HEADER_BYTES, Refusal } from "../../../lib/worker/uwsgi_protocol/packet.ts";
import { requestHead } from "../../../lib/worker/uwsgi_protocol/request.ts";
import { fields, packet } from "../../helpers/uwsgi_client.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import type { Random } from "../random.ts";
import { streamOf } from "../stream_of.ts";

const NAMES = [
  ...["REQUEST_METHOD", "REQUEST_URI", "HTTP_HOST", "PATH_INFO", "SCRIPT_NAME", "QUERY_STRING"],
  ...["REMOTE_ADDR", "REMOTE_PORT", "HTTPS", "SERVER_NAME", "SERVER_PORT", "CONTENT_LENGTH"],
  ...["CONTENT_TYPE", "HTTP_COOKIE", "HTTP_X", "HTTP_", "HTTP_X_FORWARDED_FOR"],
];
const VALUES = [
  ...["GET", "/a?b#c", "a.example:80", "[::1]", "192.0.2.7", "::1", "99", "5", "on", "text/plain"],
  ...["//evil.example/", "a@b", "a\r\nb: c", "unix:", "/%00", "..", "\\", ""],
];
const BUFFER_SIZE = 4096;

export const target: FuzzTarget = {
  name: "uwsgi_packet",
  async run(random: Random, rounds: number) {
    for (let round = 0; round < rounds; round++) {
      const body = random.bytes(random.int(0, 20));
      const good = packet(fields(pairs(random)));
      const sent = random.chance(0.3) ? good : random.mutate(good);
      const source = streamOf(random, [sent, body]);
      let reads = 0;
      const counted = {
        read: (bytes: Uint8Array) => {
          reads++;
          return source.read(bytes);
        },
      };
      try {
        const settings = { bufferSize: BUFFER_SIZE, timeoutMs: 60_000, forwardedFrom: [] };
        const received = await receivePacket(counted, settings);
        if (received !== null) examine(received.variables);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        assert(error.status >= 400 && error.status < 500, error.message);
      }
      assert(reads <= HEADER_BYTES + BUFFER_SIZE + 1, `${reads} reads`);
    }
  },
};

function pairs(random: Random): (readonly [string, string])[] {
  const more = Array.from({ length: random.int(0, 8) }, () => {
    const value = random.chance(0.7) ? random.pick(VALUES) : random.text(random.int(0, 30));
    return [random.pick(NAMES), value.toWellFormed()] as const;
  });
  return [["REQUEST_METHOD", "GET"], ["REQUEST_URI", "/a"], ["HTTP_HOST", "localhost"], ...more];
}

function examine(variables: readonly (readonly [string, string])[]): void {
  const named = new Map(variables);
  const { url, headers, client, length } = requestHead(variables, named);
  assert(!/[^!-~]/.test(url), url);
  const { username, password, protocol } = new URL(url);
  assertEquals([username, password], ["", ""]);
  assert(protocol === "http:" || protocol === "https:", url);
  for (const [, value] of headers) assert(!/[\r\n\0]/.test(value), value);
  assert(Number.isSafeInteger(length) && length >= 0);
  if (client === null) return;
  assertEquals(client.hostname, readAddress(client.hostname)?.text ?? "");
  assert(Number.isInteger(client.port) && client.port >= 0 && client.port <= 65_535);
}
