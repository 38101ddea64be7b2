import { assertEquals } from "@std/assert";
import { loadConfig } from "../../../../lib/config/load.ts";
import { memorySource } from "../../../helpers/memory_source.ts";

function load(text: string) {
  const ini = `[uwsgi]\ndeno-worker-override = a.ts\nsocket = :1\nsocket = :2\n${text}\n`;
  const { config, problems } = loadConfig(["a.ini"], memorySource({ files: { "a.ini": ini } }));
  return { map: config?.socketMap ?? [], problems: problems.map(({ message }) => message) };
}

Deno.test("socket-map has ports and paths, with any spaces", () => {
  const { map, problems } = load(
    "socket-map = 8000 => 1\nsocket-map = /run/app.sock=>0\nsocket-map = 0 => 1",
  );
  assertEquals(problems, []);
  assertEquals(map.map(({ asked, socket }) => [asked, socket]), [[8000, 1], ["/run/app.sock", 0], [
    0,
    1,
  ]]);
});

Deno.test("socket-map says what it expects", () => {
  for (const text of ["8000", "8000 = 1", "65536 => 1", "app.sock => 1", "1 => -1"]) {
    assertEquals(load(`socket-map = ${text}`).problems, [
      '"socket-map" at a.ini:5 expects a port or a path and the number of a socket, such as ' +
      `8000 => 0, not "${text}"`,
    ]);
  }
});

Deno.test("socket-map names sockets that there are, and each port once", () => {
  assertEquals(load("socket-map = 8000 => 2").problems, [
    '"socket-map" at a.ini:5 names socket 2, but the last one is 1: they are counted from 0',
  ]);
  assertEquals(load("socket-map = 8000 => 0\nsocket-map = 8000 => 1").problems, [
    '"socket-map" at a.ini:6 maps 8000 again, after a.ini:5: remove one of the two',
  ]);
});
