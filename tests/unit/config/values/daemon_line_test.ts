import { assertEquals, assertThrows } from "@std/assert";
import { type DaemonLine, parseDaemonLine } from "../../../../lib/config/values/daemon_line.ts";

const origin = { file: "a.ini", line: 1 };

function parse(option: string, text: string): DaemonLine {
  return parseDaemonLine({ option, text, origin });
}

Deno.test("parseDaemonLine() takes the whole value of attach-daemon for the command", () => {
  const daemon = parse("attach-daemon", " ./x -a 1,b=2 ");
  assertEquals([daemon.command, daemon.control, daemon.pidfile], ["./x -a 1,b=2", false, null]);
  assertEquals(daemon.stopSignal, "SIGTERM");
  assertEquals(parse("attach-control-daemon", "x").control, true);
});

Deno.test("parseDaemonLine() reads pidfile, seconds and command of a smart daemon", () => {
  const short = parse("smart-attach-daemon", "/run/x.pid ./x -d");
  assertEquals([short.pidfile, short.freq, short.command], ["/run/x.pid", 10, "./x -d"]);
  assertEquals(short.daemonize, false);
  const long = parse("smart-attach-daemon2", "x.pid,3  ./x");
  assertEquals([long.pidfile, long.freq, long.command], ["x.pid", 3, "./x"]);
  assertEquals(long.daemonize, true);
});

Deno.test("parseDaemonLine() reads the keys of attach-daemon2", () => {
  const daemon = parse(
    "attach-daemon2",
    "cmd=./x a\\,b,stopsignal=int,reloadsignal=10,touch=a;b,uid=www,gid=5,chdir=/srv,max_throttle=7",
  );
  assertEquals(daemon.command, "./x a,b");
  assertEquals([daemon.stopSignal, daemon.reloadSignal], ["SIGINT", "SIGUSR1"]);
  assertEquals([daemon.touch, daemon.uid, daemon.gid], [["a", "b"], "www", "5"]);
  assertEquals([daemon.chdir, daemon.maxThrottleMs], ["/srv", 7_000]);
  assertEquals(parse("attach-daemon2", "exec=x,control").control, true);
  const smart = parse("attach-daemon2", "cmd=x,pidfile=p,daemonize=1,freq=4");
  assertEquals([smart.pidfile, smart.daemonize, smart.freq], ["p", true, 4]);
});

Deno.test("parseDaemonLine() says what is wrong with a line", () => {
  for (
    const [option, text, message] of [
      ["attach-daemon", " ", "needs a command"],
      ["smart-attach-daemon", "/run/x.pid", 'expects "PIDFILE[,SECONDS] COMMAND"'],
      ["smart-attach-daemon", "/run/x.pid,no ./x", "a whole number from 1 to 3600"],
      ["attach-daemon2", "stopsignal=2", "needs a command"],
      ["attach-daemon2", "cmd=x,stopsingal=2", 'did you mean "stopsignal"?'],
      ["attach-daemon2", "cmd=x,stopsignal=99", 'expects a signal for stopsignal, not "99"'],
      ["attach-daemon2", "cmd=x,ns_pid=1", 'has an unknown key "ns_pid"'],
      ["attach-daemon2", "cmd=x,daemonize=1", "needs a pidfile"],
      ["attach-daemon2", "cmd=x,pidfile=p,control=1", 'cannot have "control" beside a pidfile'],
    ] as const
  ) assertThrows(() => parse(option, text), SyntaxError, message);
});
