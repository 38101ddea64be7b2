/** The lines of loggers, encoders and routes. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  byteCount,
  parseEncoderLine,
  parseLoggerLine,
} from "../../../../lib/config/values/log_line.ts";
import { loadConfig } from "../../../../lib/config/load.ts";
import { memorySource } from "../../../helpers/memory_source.ts";

const origin = { file: "a.ini", line: 1 };

function logger(text: string, option = "logger") {
  const { id, target } = parseLoggerLine({ option, text, origin });
  return { id, target };
}

Deno.test("parseLoggerLine() reads names, targets and keys as uWSGI writes them", () => {
  const unix = (path: string) => ({ kind: "unix", path });
  assertEquals(logger("stdio"), { id: "", target: { kind: "stdio" } });
  assertEquals(logger("err file:/a b,c").target, {
    kind: "file",
    path: "/a b,c",
    maxsize: null,
    backupname: "",
  });
  assertEquals(logger("err file:logfile=/a,maxsize=2k,backupname=/b"), {
    id: "err",
    target: { kind: "file", path: "/a", maxsize: 2048, backupname: "/b" },
  });
  const syslog = { kind: "syslog", transport: "datagram", tag: "duwsgi", facility: 3 };
  assertEquals(logger("syslog").target, { ...syslog, address: unix("/dev/log") } as never);
  assertEquals(logger("app,local7", "log-syslog").target, {
    ...syslog,
    tag: "app",
    facility: 23,
    address: unix("/dev/log"),
  } as never);
  assertEquals(logger("rsyslog:tcp://[::1]:514,16,app").target, {
    ...syslog,
    transport: "stream",
    tag: "app",
    facility: 16,
    address: { kind: "tcp", host: "::1", port: 514, ipv6: true },
  } as never);
  assertEquals(logger("systemd:ident=x,address=/j").target, {
    kind: "journal",
    path: "/j",
    tag: "x",
  });
});

Deno.test("parseLoggerLine() and parseEncoderLine() say what is wrong, and what may be meant", () => {
  const cases = [
    ["sylog", 'names no logger "sylog": did you mean "syslog"?'],
    ["file:", "needs a file"],
    ["socket:/a:0", "expects an address"],
    ["rsyslog:host", "expects"],
    ["syslog:ident=x,facility=locl0", 'did you mean "local0"?'],
    ["file:logfile=/a,maxsize=big", 'expects bytes, such as 1048576, 1024k or 1m, not "big"'],
  ];
  for (const [text = "", message] of cases.filter(([text]) => text !== "rsyslog:host")) {
    assertThrows(() => logger(text), SyntaxError, message);
  }
  const encoder = (text: string) => parseEncoderLine({ option: "log-encoder", text, origin });
  assertThrows(() => encoder("jsn"), SyntaxError, 'did you mean "json"?');
  assertThrows(() => encoder("gzip"), SyntaxError, "expects text, json");
  assertThrows(() => encoder("prefix"), SyntaxError, "needs a text");
  assertEquals(encoder("json").encoder, { name: "object", argument: "" });
  assertEquals(encoder("json:x {}"), {
    option: "log-encoder",
    text: "json:x {}",
    origin,
    id: "x",
    encoder: { name: "json", argument: "{}" },
  });
});

Deno.test("byteCount() reads what its letters say", () => {
  const texts = ["0", "17", "1k", "2M", "1g"];
  assertEquals(texts.map(byteCount), [0, 17, 1024, 2 ** 21, 2 ** 30]);
  for (const text of ["", "k", "1.5m", "-1", "1 k"]) {
    assertThrows(() => byteCount(text), SyntaxError);
  }
});

Deno.test("checkLog() refuses names that no logger has, expressions that are none, and two files", () => {
  const problems = (more: string) => {
    const text = `[uwsgi]\nhttp-socket = :1\ndeno-worker-override = a.ts\n${more}`;
    const source = memorySource({ files: { "a.ini": text } });
    return loadConfig(["a.ini"], source).problems.map(({ message }) => message);
  };
  assertEquals(problems("log-route = x a\nlogger = y stdio\nlogger = stdio"), [
    '"log-route" at a.ini:4 names no logger, "x": add logger = x file:PATH, or another target',
  ]);
  assertEquals(problems("req-logger = y stdio\nlog-req-encoder = prefix:y a"), []);
  assertEquals(problems("log-drain = ("), [
    '"log-drain" at a.ini:4 has a regular expression that is none: Invalid regular expression: ' +
    "/(/: Unterminated group",
  ]);
  assertEquals(problems("daemonize = a\nlogto = b"), [
    '"logto" at a.ini:5 contradicts daemonize: remove one of the two',
  ]);
  assertEquals(problems("log-maxsize = 1m").length, 1);
});
