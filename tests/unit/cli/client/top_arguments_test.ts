import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../../../lib/errors.ts";
import { parseTopArguments } from "../../../../lib/cli/client/top_arguments.ts";

function parse(text: string) {
  return parseTopArguments(text.split(" ").filter((word) => word !== ""));
}

const usual = { help: false, place: null, once: false, json: false, intervalMs: 1000 };

Deno.test("parseTopArguments() takes an address, a target, or nothing", () => {
  assertEquals(parse(""), usual);
  const places: readonly [text: string, place: unknown][] = [
    ["127.0.0.1:9191", { kind: "address", text: "127.0.0.1:9191" }],
    ["@stats", { kind: "address", text: "@stats" }],
    ["http://[::1]:9191/stats", { kind: "address", text: "http://[::1]:9191/stats" }],
    ["app.ini", { kind: "ini", path: "app.ini" }],
    ["--pidfile app.pid", { kind: "pidfile", path: "app.pid" }],
    ["--pid 12", { kind: "pid", pid: 12 }],
    ["--socket=app.ctl", { kind: "socket", path: "app.ctl" }],
  ];
  for (const [text, place] of places) assertEquals(parse(text), { ...usual, place } as never);
});

Deno.test("parseTopArguments() takes options in any order", () => {
  assertEquals(parse("--once -i 0.5"), { ...usual, once: true, intervalMs: 500 });
  assertEquals(parse("--interval=2"), { ...usual, intervalMs: 2000 });
  assertEquals(parse("--json --interval 0"), { ...usual, json: true, once: true, intervalMs: 0 });
  assertEquals([parse("--help").help, parse("-h").help, parse("help").help], [true, true, true]);
});

Deno.test("parseTopArguments() says what is wrong", () => {
  const wrong: readonly [text: string, message: string][] = [
    ["a:1 b:2", 'unexpected argument "b:2"'],
    ["a:1 --pid 3", '"a:1" and --pid name an instance each'],
    ["--pid 3 --pidfile x", "--pidfile and --pid name a master each"],
    ["--pid x", "expects a process id"],
    ["--pid", "--pid needs a value"],
    ["-i 0", "--interval expects seconds from 0.1 to 3600, not"],
    ["--once -i -1", "--interval expects seconds from 0.1 to 3600, or 0, not"],
    ["-i 3601", "--interval expects seconds"],
    ["--wait", 'top: unknown option "--wait"'],
    ["-x", 'top: unknown option "-x"'],
  ];
  for (const [text, message] of wrong) assertThrows(() => parse(text), UserError, message);
});
