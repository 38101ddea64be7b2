import { assertEquals, assertThrows } from "@std/assert";
import { parseCarbonLine, parsePusherLine } from "../../../../lib/config/values/pusher_line.ts";

const origin = { file: "a.ini", line: 1 };
const push = (text: string) => parsePusherLine({ option: "stats-push", text, origin }).target;
const carbon = (text: string) => parseCarbonLine({ option: "carbon", text, origin }).target;

Deno.test("parsePusherLine() reads all pushers", () => {
  const host = "127.0.0.1";
  assertEquals(push("statsd:127.0.0.1:8125"), { type: "statsd", host, port: 8125, prefix: "" });
  assertEquals(push("statsd:[::1]:1,a.b,c"), {
    type: "statsd",
    host: "::1",
    port: 1,
    prefix: "a.b,c",
  });
  assertEquals(push("socket:stats.example.com:9,x"), {
    type: "socket",
    host: "stats.example.com",
    port: 9,
    prefix: "x",
  });
  assertEquals(push("file:path=/tmp/a\\,b,separator=\\n--\\n,freq=10"), {
    type: "file",
    path: "/tmp/a,b",
    separator: "\n--\n",
    freq: 10,
  });
  assertEquals(push("file"), { type: "file", path: "uwsgi.stats", separator: "\n\n", freq: null });
  assertEquals(carbon("graphite:2003"), { type: "carbon", host: "graphite", port: 2003 });
});

Deno.test("parsePusherLine() names what there is, and what to use instead", () => {
  const cases = [
    ["stasd:a:1", 'unknown pusher "stasd", there are statsd, socket, file: did you mean "statsd"?'],
    ["mongodb:addr=x", "use file, and a program that reads it"],
    ["carbon:a:1", "use the option carbon"],
    ["constructor:", 'unknown pusher "constructor"'],
    ["statsd", "expects statsd:HOST:PORT[,PREFIX]. The address is empty"],
    ["statsd::8125", "with a host and a port"],
    ["statsd:/run/x.sock", "with a host and a port"],
    ["statsd:a:1,x y", "has a prefix"],
    ["file:path=", "has no path"],
    ["file:paht=a", 'did you mean "path"?'],
    ["file:path=a,freq=0", "expects a whole number from 1 to 86400 for freq"],
  ] as const;
  for (const [text, message] of cases) assertThrows(() => push(text), SyntaxError, message);
  assertThrows(() => carbon("graphite:"), SyntaxError, "with a host and a port");
});
