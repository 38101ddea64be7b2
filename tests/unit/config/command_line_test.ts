import { assertEquals } from "@std/assert";
import { parseArguments } from "../../../lib/config/command_line.ts";
import { Problems } from "../../../lib/config/problem.ts";

function parse(text: string) {
  const problems = new Problems();
  const { command, lines } = parseArguments(text === "" ? [] : text.split(" "), problems);
  return {
    command,
    lines: lines.map(({ key, value, origin }) => [origin.line, key, value]),
    problems: problems.sorted([]).map(({ message }) => message),
  };
}

const linesOf = (text: string) => parse(text).lines;

Deno.test("parseArguments() reads values behind names and behind equals signs, in order", () => {
  assertEquals(parse("--listen 1 --env=A=b --listen=2 --env C=d"), {
    command: { kind: "run" },
    lines: [[1, "listen", "1"], [3, "env", "A=b"], [4, "listen", "2"], [5, "env", "C=d"]],
    problems: [],
  });
});

Deno.test("parseArguments() takes the next word for a value, even if it starts with a dash", () => {
  assertEquals(linesOf("--worker-argv --verbose --deno-flag -A"), [
    [1, "worker-argv", "--verbose"],
    [3, "deno-flag", "-A"],
  ]);
});

Deno.test("parseArguments() gives flags a value only behind an equals sign", () => {
  assertEquals(linesOf("--vacuum --vacuum=false --chmod-socket --chmod-socket=600 app.ini"), [
    [1, "vacuum", null],
    [2, "vacuum", "false"],
    [3, "chmod-socket", null],
    [4, "chmod-socket", "600"],
    [5, "ini", "app.ini"],
  ]);
});

Deno.test("parseArguments() knows uWSGI's letters, alone, joined and together", () => {
  assertEquals(linesOf("-p 4 -p5 -M -Ml 7 -C -C660 -s :80 -S a=b"), [
    [1, "processes", "4"],
    [3, "processes", "5"],
    [4, "master", null],
    [5, "master", null],
    [5, "listen", "7"],
    [7, "chmod-socket", null],
    [8, "chmod-socket", "660"],
    [9, "socket", ":80"],
    [11, "set", "a=b"],
  ]);
});

Deno.test("parseArguments() reads files named without --ini after everything else", () => {
  assertEquals(linesOf("a.ini --ini b.ini --listen 1 c.INI:web -- d.ini"), [
    [2, "ini", "b.ini"],
    [4, "listen", "1"],
    [1, "ini", "a.ini"],
    [6, "ini", "c.INI:web"],
    [8, "ini", "d.ini"],
  ]);
  assertEquals(linesOf("--ini -"), [[1, "ini", "-"]]);
});

Deno.test("parseArguments() takes only files behind two dashes", () => {
  assertEquals(parse("-- --listen").problems.length, 1);
  assertEquals(linesOf("-- --listen.ini"), [[2, "ini", "--listen.ini"]]);
});

Deno.test("parseArguments() completes names that are clear", () => {
  assertEquals(linesOf("--proces 2 --worker-r=3 --vac --http-s :1 --set-p a=1 --end"), [
    [1, "processes", "2"],
    [3, "worker-reload-mercy", "3"],
    [4, "vacuum", null],
    [5, "http-socket", ":1"],
    [7, "set-placeholder", "a=1"],
  ]);
  assertEquals(parse("--end x --worker=1").problems, [
    'Option "--end" at <command line>:1 is ambiguous: it may be --endif, --end-if, --endfor, ' +
    "--end-for",
    'Option "--worker" at <command line>:3 is ambiguous: it may be --worker-override, --workers, ' +
    "--worker-argv, --worker-control, --worker-reload-mercy",
  ]);
});

Deno.test("parseArguments() does not complete what is a name of uWSGI", () => {
  assertEquals(linesOf("--http :80 --threads 2 --lazy"), [
    [1, "http", ":80"],
    [3, "threads", "2"],
    [5, "lazy", null],
  ]);
});

Deno.test("parseArguments() keeps unknown options, with what looks like their value", () => {
  assertEquals(linesOf("--bogus x --wrong app.ini --odd=1 --last --listen 2"), [
    [1, "bogus", "x"],
    [3, "wrong", null],
    [5, "odd", "1"],
    [6, "last", null],
    [7, "listen", "2"],
    [4, "ini", "app.ini"],
  ]);
});

Deno.test("parseArguments() reports unknown letters, stray words and missing values", () => {
  assertEquals(parse("-H /venv -k script.ts --vacuum false --listen").problems, [
    'Unknown option "-H" at <command line>:1: it is --virtualenv in uWSGI, which duwsgi lacks',
    'Unknown option "-k" at <command line>:3: see --help for all options',
    'Unexpected argument "false" at <command line>:6: an INI file whose name does not end in .ini ' +
    "needs --ini, the value of a flag needs =, as in --vacuum=false",
    'Option "--listen" at <command line>:7 needs a value',
  ]);
});

Deno.test("parseArguments() recognises commands; of several the first counts", () => {
  assertEquals(parse("--help").command, { kind: "help" });
  assertEquals(parse("-h").command, { kind: "help" });
  assertEquals(parse("--help listen").command, { kind: "help", topic: "listen" });
  assertEquals(parse("-h listen").command, { kind: "help", topic: "listen" });
  assertEquals(parse("--help=listen").command, { kind: "help", topic: "listen" });
  assertEquals(parse("--help app.ini").command, { kind: "help" });
  assertEquals(parse("--version --help").command, { kind: "version" });
  assertEquals(parse("app.ini --show-c").command, { kind: "show-config" });
  assertEquals(parse("--check app.ini").command, { kind: "check" });
  assertEquals(parse("").command, { kind: "run" });
});
