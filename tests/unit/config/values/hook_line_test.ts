import { assertEquals, assertThrows } from "@std/assert";
import {
  HOOK_ACTIONS,
  type HookLine,
  parseHookLine,
} from "../../../../lib/config/values/hook_line.ts";
import { loadConfig } from "../../../../lib/config/load.ts";
import { hooksNotNeeded, hooksOf } from "../../../../lib/config/options/hooks.ts";
import { defaults } from "../../../../lib/config/resolve.ts";
import { memorySource } from "../../../helpers/memory_source.ts";

const origin = { file: "a.ini", line: 1 };

function parse(text: string, option = "hook-asap"): HookLine {
  return parseHookLine({ option, text, origin });
}

Deno.test("parseHookLine() cuts an argument into the parts of its action", () => {
  for (
    const [text, action, parts] of [
      ["mkdir:/tmp/a b", "mkdir", ["/tmp/a b"]],
      ["write:/tmp/a x  y:z", "write", ["/tmp/a", "x  y:z"]],
      ["write:/tmp/a", "write", ["/tmp/a", ""]],
      ["chmod:/tmp/a 640", "chmod", ["/tmp/a", "640"]],
      ["chown:/tmp/a www-data 33", "chown", ["/tmp/a", "www-data", "33"]],
      ["exec:a && b: c", "exec", ["a && b: c"]],
      ["putenv:A=b=c", "putenv", ["A=b=c"]],
      ["exit", "exit", [""]],
      ["exit:3", "exit", ["3"]],
      ["wait_for_socket:127.0.0.1:80", "wait_for_socket", ["127.0.0.1:80"]],
    ] as const
  ) {
    const line = parse(text);
    assertEquals([line.action, line.parts, line.hidden], [action, [...parts], false], text);
  }
});

Deno.test("parseHookLine() notes that the arguments are to be kept out of the log", () => {
  const { action, parts, hidden } = parse("!putenv:PASSWORD=x");
  assertEquals([action, parts, hidden], ["putenv", ["PASSWORD=x"], true]);
});

Deno.test("parseHookLine() takes the one unix_signal that stops in order, which is done by nobody", () => {
  const line = parse("unix_signal:15 gracefully_kill_them_all");
  assertEquals(line.parts, ["15", "gracefully_kill_them_all"]);
  const config = { ...defaults(), "hook master-start": [line, parse("print:hello")] };
  assertEquals(hooksOf(config, "master-start").map(({ action }) => action), ["print"]);
  assertEquals(hooksNotNeeded(config), [line]);
});

Deno.test("parseHookLine() takes the value of an exec option for a command", () => {
  const { action, parts } = parse("mkdir:x", "exec-asap");
  assertEquals([action, parts], ["exec", ["mkdir:x"]]);
});

Deno.test("parseHookLine() says what is wrong with a line", () => {
  for (
    const [text, message] of [
      ["mkdri:/tmp/a", 'unknown action "mkdri": did you mean "mkdir"?'],
      ["frobnicate:x", `unknown action "frobnicate": use ${Object.keys(HOOK_ACTIONS).join(", ")}`],
      ["call:f", 'the action "call", which duwsgi lacks'],
      ["unix_signal:1 kill_them_all", "which duwsgi lacks: SIGTERM and SIGINT stop in order"],
      ["constructor:x", "unknown action"],
      ["mkdir", 'expects "mkdir:DIRECTORY"'],
      ["chmod:/tmp/a", 'expects "chmod:FILE MODE"'],
      ["chmod:/tmp/a 888", "expects an octal mode"],
      ["chown:/tmp/a www", 'expects "chown:FILE USER GROUP"'],
      ["chown2:/tmp/a www 1", "a whole number from 0 to 2147483648 for the uid"],
      ["putenv:A", 'expects "putenv:NAME=VALUE"'],
      ["exit:256", "from 0 to 255 for exit"],
      ["wait_for_socket:@x", "expects host:port or the path of a Unix socket"],
    ] as const
  ) assertThrows(() => parse(text), SyntaxError, message);
});

Deno.test("a hook that cannot be read is an error with file and line, and so is exit while workers run", () => {
  const ini = "[uwsgi]\nhttp-socket = :1\ndeno-worker-override = a.ts\nhook-asap = mkdri:x\n" +
    "hook-accepting = exit:1\ncron = 1 2\nattach-daemon2 = cmd=x,foo=1";
  const { problems } = loadConfig(["a.ini"], memorySource({ files: { "a.ini": ini } }));
  assertEquals(problems.map(({ message }) => message.slice(0, 40)), [
    '"hook-asap" at a.ini:4 names an unknown ',
    '"hook-accepting" at a.ini:5 has the acti',
    '"cron" at a.ini:6 expects "MINUTE HOUR D',
    '"attach-daemon2" at a.ini:7 has an unkno',
  ]);
});
