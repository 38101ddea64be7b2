/**
 * Fuzzes heads of requests to the master's own servers: a request comes out without any control
 * character, or an answer that refuses it.
 *
 * @module
 */

import { assert } from "@std/assert";
import { isFieldValue } from "../../../lib/foreign_text.ts";
import { isKnownHost } from "../../../lib/stats/http_host.ts";
import { encodeAnswer, parseHead } from "../../../lib/stats/http_message.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import type { Random } from "../random.ts";

const HEADS = [
  "GET /metrics?a=b HTTP/1.1\r\nHost: 127.0.0.1:9100\r\nAccept: text/plain;q=0.5, */*\r\n\r\n",
  "HEAD / HTTP/1.0\r\n\r\n",
  "GET http://localhost:9100/stats HTTP/1.1\nHost: evil.example\nContent-Length: 0\n\n",
  "GET /healthz HTTP/1.1\r\nHost: [::1]\r\nConnection: keep-alive\r\nX:\t  \r\n\r\n",
];

export const target: FuzzTarget = {
  name: "http_head",
  run(random: Random, rounds: number) {
    const [encoder, decoder] = [new TextEncoder(), new TextDecoder("latin1")];
    for (let round = 0; round < rounds; round++) {
      const text = random.chance(0.9) ? random.pick(HEADS) : random.text(random.int(0, 200));
      const head = decoder.decode(random.mutate(encoder.encode(text)));
      const request = parseHead(head);
      if ("status" in request) {
        assert([400, 405, 431].includes(request.status), String(request.status));
        encodeAnswer(request, true);
        continue;
      }
      const { method, path, accept, host } = request;
      assert(method === "GET" || method === "HEAD", method);
      assert(/^[!-~]+$/.test(path) && !path.includes("?"), path);
      for (const value of [accept, host ?? ""]) {
        assert(isFieldValue(value), JSON.stringify(value));
      }
      // Whatever is known can be shown, and leads nowhere else.
      if (host !== null && isKnownHost(host, [])) assert(/^[\w.:[\]-]*$/.test(host), host);
    }
  },
};
