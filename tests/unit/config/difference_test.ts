import { assertEquals } from "@std/assert";
import type { Config } from "../../../lib/config/config.ts";
import { difference } from "../../../lib/config/difference.ts";
import { defaults } from "../../../lib/config/resolve.ts";

const origin = { file: "a.ini", line: 1 };
const base: Config = {
  ...defaults(),
  script: "a.ts",
  sockets: [{ option: "socket", text: ":80", origin }],
};

Deno.test("difference() is empty, when nothing but lines changed", () => {
  const moved = { ...origin, line: 9 };
  const after: Config = {
    ...base,
    sockets: base.sockets.map((one) => ({ ...one, origin: moved })),
  };
  assertEquals(difference(base, after), []);
});

Deno.test("difference() names options in the order of the table, with what they need", () => {
  const after: Config = {
    ...base,
    listen: 7,
    processes: 3,
    umask: 0o22,
    touchReload: ["x", "y"],
    script: "b.ts",
  };
  assertEquals(difference(base, after).map(({ key: _, ...rest }) => Object.values(rest)), [
    ["deno-worker-override", "workers", "a.ts", "b.ts"],
    ["processes", "workers", "1", "3"],
    ["umask", "exec", "nothing", "022"],
    ["listen", "workers", "100", "7"],
    ["touch-reload", "master", "nothing", "x, y"],
  ]);
});

Deno.test("difference() notices another protocol on the same address", () => {
  const after: Config = {
    ...base,
    sockets: base.sockets.map((one) => ({ ...one, option: "http-socket" as const })),
  };
  assertEquals(difference(base, after).map(({ option }) => option), ["socket"]);
});
