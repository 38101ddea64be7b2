/** Sockets that a proxy is in front of. */
import { assertEquals } from "@std/assert";
import { speaksUwsgi, withProtocol } from "../../../../lib/config/options/proxy.ts";

const ORIGIN = { file: "app.ini", line: 1 };
const SOCKETS = [
  { option: "socket", text: "a.sock", origin: ORIGIN },
  { option: "http-socket", text: ":1", origin: ORIGIN },
] as const;

Deno.test("protocol = uwsgi is about `socket` and nothing else", () => {
  assertEquals(withProtocol(SOCKETS, "http"), SOCKETS);
  assertEquals(withProtocol(SOCKETS, "uwsgi").map(({ option }) => option), [
    "uwsgi-socket",
    "http-socket",
  ]);
});

Deno.test("one socket is enough to need the uwsgi protocol", () => {
  assertEquals(speaksUwsgi({ sockets: SOCKETS }), false);
  assertEquals(speaksUwsgi({ sockets: withProtocol(SOCKETS, "uwsgi") }), true);
});
