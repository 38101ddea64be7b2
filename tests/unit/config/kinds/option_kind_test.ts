import { assertEquals, assertThrows } from "@std/assert";
import { fileOwner } from "../../../../lib/config/kinds/log_kind.ts";
import * as kind from "../../../../lib/config/kinds/option_kind.ts";
import { socketList } from "../../../../lib/config/kinds/socket_kind.ts";

const origin = { file: "a.ini", line: 1 };

function read<T>(of: kind.OptionKind<T>, before: T, value: string | null, name = "option"): T {
  return of.add(before, { name, value, origin });
}

function refuses<T>(of: kind.OptionKind<T>, before: T, values: readonly (string | null)[]): void {
  for (const value of values) assertThrows(() => read(of, before, value), SyntaxError);
}

Deno.test("integer() reads whole numbers within its limits, and nothing else", () => {
  const of = kind.integer(1, 1024);
  assertEquals(read(of, 0, "1"), 1);
  assertEquals(read(of, 0, "1024"), 1024);
  refuses(of, 0, ["0", "1025", "abc", "1.5", "-1", "+1", "0x1", "", " 1", "1e1", null]);
  assertEquals(of.write(7), [{ value: "7" }]);
});

Deno.test("optionalInteger() reads whole numbers, negative ones too, and says why not", () => {
  const of = kind.optionalInteger(-20, 19, "because");
  assertEquals(read(of, null, "-20"), -20);
  assertEquals(read(of, null, "19"), 19);
  refuses(of, null, ["-21", "20", "--1", "+1", "1.5", "", null]);
  assertThrows(() => read(of, null, "20"), SyntaxError, "from -20 to 19, because, not");
  assertEquals([of.write(null), of.write(-5)], [[], [{ value: "-5" }]]);
});

Deno.test("account and accounts take names and numbers", () => {
  assertEquals(read(kind.account, "", "www-data"), "www-data");
  assertEquals(read(kind.accounts, ["33"], "redis"), ["33", "redis"]);
  refuses(kind.account, "", ["", "a:b", "a b", null]);
  assertEquals(kind.account.write(""), []);
});

Deno.test("text takes everything but nothing", () => {
  assertEquals(read(kind.text, "", '"a" ; b'), '"a" ; b');
  refuses(kind.text, "", ["", null]);
});

Deno.test("seconds() reads decimals and gives milliseconds", () => {
  const of = kind.seconds(0.1, 100);
  assertEquals(read(of, 0, "1.5"), 1500);
  assertEquals(read(of, 0, "0.1234"), 123);
  refuses(of, 0, ["0", "0.0999", "101", "60s", "-1", ".5", "1.", "", null]);
  assertEquals(of.write(1234), [{ value: "1.234" }]);
});

Deno.test("secondsOrNever() reads 0, or seconds within its limits", () => {
  const of = kind.secondsOrNever(3, 100);
  assertEquals([read(of, 1, "0"), read(of, 1, "3"), read(of, 1, "4.5")], [0, 3_000, 4_500]);
  refuses(of, 0, ["1", "2.999", "101", "-1", "", null]);
  assertEquals([of.write(0), of.write(4_500)], [[{ value: "0" }], [{ value: "4.5" }]]);
});

Deno.test("megabytes() reads whole megabytes and gives bytes", () => {
  const of = kind.megabytes(0, 100);
  assertEquals([read(of, 0, "0"), read(of, 0, "100")], [0, 100 * 1_048_576]);
  refuses(of, 0, ["101", "1.5", "1M", "-1", "", null]);
  assertEquals(of.write(3 * 1_048_576), [{ value: "3" }]);
});

Deno.test("flag reads eight words in any case; no value is true, and no- turns it around", () => {
  for (const word of ["true", "YES", "On", "1"]) assertEquals(read(kind.flag, false, word), true);
  for (const word of ["false", "No", "OFF", "0"]) assertEquals(read(kind.flag, true, word), false);
  assertEquals(read(kind.flag, false, null), true);
  assertEquals(read(kind.flag, true, null, "no-strict"), false);
  assertEquals(read(kind.flag, false, "false", "no-strict"), true);
  refuses(kind.flag, false, ["", "n", "2", "-1", "disabled", "true ; yes"]);
});

Deno.test("choice() takes its words only", () => {
  const of = kind.choice("text", "json");
  assertEquals(read(of, "text", "json"), "json");
  assertThrows(() => read(of, "text", "xml"), SyntaxError, "text or json");
});

Deno.test("path and paths refuse nothing and quotes", () => {
  assertEquals(read(kind.path, "", "a b"), "a b");
  assertEquals(read(kind.paths, ["a"], "b"), ["a", "b"]);
  refuses(kind.path, "", ["", null, '"a"', "'a'"]);
  assertEquals(kind.path.write(""), []);
});

Deno.test("texts takes everything, nothing included, but needs an equals sign", () => {
  assertEquals(read(kind.texts, ["a"], ""), ["a", ""]);
  assertEquals(read(kind.texts, [], '"a" ; b'), ['"a" ; b']);
  refuses(kind.texts, [], [null]);
});

Deno.test("denoFlags takes one flag at a time", () => {
  assertEquals(read(kind.denoFlags, [], "--allow-read=/a b"), ["--allow-read=/a b"]);
  assertEquals(read(kind.denoFlags, [], "-A"), ["-A"]);
  refuses(kind.denoFlags, [], ["run", "--", "-", "--a --b", "", null]);
});

Deno.test("variables splits at the first equals sign", () => {
  assertEquals(read(kind.variables, [], "A=b=c"), [["A", "b=c"]]);
  assertEquals(read(kind.variables, [], "A="), [["A", ""]]);
  refuses(kind.variables, [], ["A", "=b", "A B=c", "", null]);
  assertEquals(kind.variables.write([["A", "b=c"]]), [{ value: "A=b=c" }]);
});

Deno.test("fileCommands separates file and command at the first space", () => {
  const of = kind.fileCommands;
  const once = read(of, [], "a.txt  ./run.sh --now  'a b'");
  assertEquals(once, [{ path: "a.txt", command: "./run.sh --now  'a b'" }]);
  assertEquals(of.write(once), [{ value: "a.txt ./run.sh --now  'a b'" }]);
  assertEquals(read(of, once, "b true").length, 2);
  refuses(of, [], ["", "a.txt", "a.txt ", " a b", null]);
});

Deno.test("fifoPaths has a path for each digit, and none twice", () => {
  const ten = Array.from({ length: 10 }, (_, i) => `/run/${i}`);
  assertEquals(
    ten.reduce<readonly string[]>((all, one) => read(kind.fifoPaths, all, one), []),
    ten,
  );
  refuses(kind.fifoPaths, ten, ["/run/10"]);
  refuses(kind.fifoPaths, ["/run/0"], ["/run/0", "", null]);
});

Deno.test("socketMode reads octal; nothing and 1 mean 666", () => {
  assertEquals(read(kind.socketMode, null, "660"), 0o660);
  assertEquals(read(kind.socketMode, null, "1777"), 0o1777);
  assertEquals(read(kind.socketMode, null, null), 0o666);
  assertEquals(read(kind.socketMode, null, "1"), 0o666);
  refuses(kind.socketMode, null, ["", "66", "888", "rw", "0", "00660"]);
  assertEquals(kind.socketMode.write(0o060), [{ value: "060" }]);
  assertEquals(kind.socketMode.write(null), []);
});

Deno.test("mask reads three octal digits, possibly with a zero in front", () => {
  assertEquals(read(kind.mask, null, "022"), 0o022);
  assertEquals(read(kind.mask, null, "0077"), 0o077);
  refuses(kind.mask, null, ["22", "1022", "8", "", null]);
});

Deno.test("fileOwner takes uWSGI's flag, which names nobody", () => {
  for (const value of ["true", "False", "1", "0", "yes", null]) {
    assertEquals(read(fileOwner, "syslog", value), "", String(value));
  }
  assertEquals(read(fileOwner, "", "syslog:adm"), "syslog:adm");
});

Deno.test("owner reads user and group", () => {
  assertEquals(read(kind.owner, "", "www-data:33"), "www-data:33");
  refuses(kind.owner, "", [":33", "a:", "a:b:c", "a b", "", null]);
});

Deno.test("sockets keeps the protocol that the option's name tells", () => {
  const first = read(socketList, [], ":80", "http-socket");
  assertEquals(read(socketList, first, "/a", "socket"), [
    { option: "http-socket", text: ":80", origin },
    { option: "socket", text: "/a", origin },
  ]);
  assertEquals(socketList.write(first), [{ name: "http-socket", value: ":80" }]);
  refuses(socketList, [], ["", "80", null]);
});

Deno.test("errors explain comments and quotes, and show no more than a line", () => {
  const of = kind.integer(1, 2);
  assertThrows(() => read(of, 0, "1 # one"), SyntaxError, "a comment needs a line of its own");
  assertThrows(() => read(of, 0, '"1"'), SyntaxError, "quotes are part of the value");
  const error = assertThrows(() => read(of, 0, "x".repeat(10_000)), SyntaxError);
  assertEquals(error.message.length < 200, true);
});

Deno.test("networks are addresses, with bits or without, and two words", () => {
  const good = "127.0.0.1, 10.0.0.0/8,::1,2001:db8::/32,unix,*";
  assertEquals(read(kind.networks, [], good), good.split(",").map((one) => one.trim()));
  for (
    const bad of [
      "",
      "a",
      "1.2.3",
      "1.2.3.4/33",
      "::1/129",
      "1.2.3.256",
      ":",
      "1.2.3.4,",
      "010.0.0.1",
    ]
  ) {
    assertThrows(() => read(kind.networks, [], bad), SyntaxError, "expects an IP address");
  }
});
