/**
 * Fuzzes what proxies say of a request, against a model that takes the whole header apart first and
 * knows addresses from `node:net`.
 *
 * @module
 */

import { isIPv4, isIPv6 } from "node:net";
import { assert, assertEquals } from "@std/assert";
import { forwardedClient, forwardedUrl } from "../../../lib/worker/forwarded/forwarded_headers.ts";
import { Networks } from "../../../lib/worker/forwarded/networks.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import type { Random } from "../random.ts";

const PROXIES = ["10.0.0.1", "10.0.0.2", "fd00::1"];
const NETWORKS = new Networks(PROXIES);
const PIECES = [
  ...["10.0.0.1", "10.0.0.2", "fd00::1", "192.0.2.7", "2001:DB8::0:7", "::ffff:192.0.2.7", "1.2.3"],
  ...[
    "[",
    "]",
    ":",
    ":80",
    ":65536",
    "[fd00::1]:1",
    "unknown",
    "_hidden",
    "010.0.0.1",
    "256.1.1.1",
  ],
  ...["\t", "\r", "\n", "\0", "\x1b[2J", "\u0085", "\u202e", ";", '"', "%eth0", ".", "/", "::"],
];

export const target: FuzzTarget = {
  name: "forwarded_headers",
  run(random: Random, rounds: number) {
    for (let round = 0; round < rounds; round++) {
      const header = entries(random).join(random.pick([",", ", ", " , ", ",\t"]));
      const client = forwardedClient(header, NETWORKS);
      assertEquals(client, model(header), JSON.stringify(header));
      assert(client === null || /^[\da-f.:]+$/.test(client.hostname), client?.hostname);
      const host = random.chance(0.5) ? entry(random) : random.text(random.int(0, 20));
      const url = forwardedUrl("http://a:1/p?q", random.pick([null, "https", host]), host);
      if (url === null) continue;
      const { pathname, search, username, password, hash } = new URL(url);
      assertEquals([pathname, search, username, password, hash], ["/p", "?q", "", "", ""], url);
    }
  },
};

function entries(random: Random): string[] {
  return Array.from({ length: random.int(0, 6) }, () => entry(random));
}

function entry(random: Random): string {
  if (random.chance(0.5)) return random.pick(PIECES);
  if (random.chance(0.1)) return random.text(random.int(0, 100));
  return Array.from({ length: random.int(1, 4) }, () => random.pick(PIECES)).join("");
}

/** The last address that is no proxy's, or the first one if all of them are. */
function model(header: string): { hostname: string; port: number } | null {
  let client = null;
  for (const text of header.split(",").reverse()) {
    if (text.length >= 60) return client;
    const named = modelEntry(text.replace(/^[ \t]+/, "").replace(/(?<![ \t])[ \t]+$/, ""));
    if (named === null) return client;
    client = named;
    if (!PROXIES.includes(named.hostname)) return client;
  }
  return client;
}

function modelEntry(text: string): { hostname: string; port: number } | null {
  for (const [, host = "", port = "0"] of FORMS.flatMap((form) => [form.exec(text) ?? []])) {
    if (Number(port) > 65_535 || host.includes("%")) continue;
    if (isIPv4(host)) return { hostname: host, port: Number(port) };
    if (!isIPv6(host)) continue;
    const hostname = new URL(`http://[${host}]`).hostname.slice(1, -1);
    const mapped = /^::ffff:([\da-f]+):([\da-f]+)$/.exec(hostname);
    if (mapped === null) return { hostname, port: Number(port) };
    const bytes = mapped.slice(1).map((group) => parseInt(group, 16))
      .flatMap((group) => [group >> 8, group & 255]);
    return { hostname: bytes.join("."), port: Number(port) };
  }
  return null;
}

const FORMS = [
  /^([\d.]+)(?::(\d{1,5}))?$/,
  /^([\da-fA-F:.]+)$/,
  /^\[([\da-fA-F:.]*:[\da-fA-F:.]*)\](?::(\d{1,5}))?$/,
];
