import { assertEquals, assertThrows } from "@std/assert";
import { parseCtlArguments } from "../../../../lib/cli/client/ctl_arguments.ts";
import { UserError } from "../../../../lib/errors.ts";

function parse(text: string) {
  const { command, ...rest } = parseCtlArguments(text.split(" ").filter((word) => word !== ""));
  return { command: command === "list" ? command : command.name, ...rest };
}

const usual = { argument: null, wait: false, json: false, timeoutMs: null };

Deno.test("parseCtlArguments() takes command, target and options in any order", () => {
  const ini = { kind: "ini", path: "app.ini" } as const;
  assertEquals(parse("status app.ini"), { ...usual, command: "status", target: ini });
  assertEquals(parse("app.ini reload --wait --timeout 1.5 --json"), {
    command: "reload",
    argument: null,
    target: ini,
    wait: true,
    json: true,
    timeoutMs: 1500,
  });
  assertEquals(parse("--ini=app.conf stop").target, { kind: "ini", path: "app.conf" });
  assertEquals(parse("stop --pidfile a.pid").target, { kind: "pidfile", path: "a.pid" });
  assertEquals(parse("stop --socket=a.sock").target, { kind: "socket", path: "a.sock" });
  assertEquals(parse("stop --pid 12").target, { kind: "pid", pid: 12 });
});

Deno.test("parseCtlArguments() takes the argument of a command that has one", () => {
  for (const argument of ["4", "+1", "-1"]) {
    assertEquals(parse(`scale ${argument} --pid 1`).argument, argument);
  }
});

Deno.test("parseCtlArguments() takes a directory, and nothing for the only master", () => {
  assertEquals(parse("stop"), { ...usual, command: "stop", target: null });
  assertEquals(parse("stop my-app").target, { kind: "directory", path: "my-app" });
  const { argument, target } = parse("scale 4 .");
  assertEquals([argument, target], ["4", { kind: "directory", path: "." }]);
  assertEquals(parse("list --json"), { ...usual, command: "list", target: null, json: true });
});

Deno.test("parseCtlArguments() needs no master for help", () => {
  assertEquals(parse("help"), { ...usual, command: "help", target: null });
  assertEquals(parse("--help").command, "help");
  assertEquals(parse("scale -h").command, "help");
});

Deno.test("parseCtlArguments() says what is wrong", () => {
  const wrong: readonly [text: string, message: string][] = [
    ["", "ctl needs a command"],
    ["chain-relod app.ini", 'did you mean "chain-reload"?'],
    ["list app.ini", "ctl list shows all"],
    ["list here", 'unexpected argument "here"'],
    ["lst", 'did you mean "list"?'],
    ["stop here there", 'unexpected argument "there"'],
    ["scale app.ini", "ctl scale needs N"],
    ["stop now app.ini", 'unexpected argument "now"'],
    ["stop app.ini --pid 3", "--pid and --ini name a master each"],
    ["stop --pid x", "expects a process id"],
    ["stop --pid", "--pid needs a value"],
    ["stop app.ini --timeout 0", "--timeout expects seconds"],
    ["stop app.ini --wiat", 'unknown option "--wiat"'],
    ["stop app.ini --wait=yes", 'unknown option "--wait=yes"'],
  ];
  for (const [text, message] of wrong) assertThrows(() => parse(text), UserError, message);
});
