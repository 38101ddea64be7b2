import { assert, assertEquals } from "@std/assert";
import type { Entry } from "../../../lib/config/ini/entry.ts";
import { Problems } from "../../../lib/config/problem.ts";
import { defaults, resolveEntries } from "../../../lib/config/resolve.ts";
import { NOT_NEEDED, uwsgiOptions } from "../../../lib/config/options/uwsgi_options.ts";

const origin = { file: "a.ini", line: 1 };

function run(text: string, used: readonly string[] = [], incomplete = false) {
  const entries = text.split("\n").filter((line) => line !== "").map((line, index): Entry => {
    const [key = "", value = null] = line.split(" = ");
    return { key, value, origin: { file: "a.ini", line: index + 1 }, placeholder: false };
  });
  const problems = new Problems();
  const circumstances = { used: new Set(used), incomplete, socketsPassed: false, origin };
  const config = resolveEntries(entries, circumstances, problems);
  return { config, problems: problems.sorted(["a.ini"]).map((one) => [one.severity, one.message]) };
}

const BASE = "deno-worker-override = app.ts\nsocket = :1\n";

Deno.test("resolveEntries() takes the last of single values and all of lists", () => {
  const { config, problems } = run(
    `${BASE}listen = 1\nlisten = 2\nworker-argv = a\nworker-argv = b`,
  );
  assertEquals(problems, []);
  assertEquals([config.listen, config.workerArgv], [2, ["a", "b"]]);
  assertEquals(config.processes, 1);
  assertEquals(Object.isFrozen(config), true);
});

Deno.test("resolveEntries() keeps the value before, when a later one is wrong", () => {
  const { config, problems } = run(`${BASE}listen = 7\nlisten = x`);
  assertEquals(config.listen, 7);
  assertEquals(problems.length, 1);
});

Deno.test("resolveEntries() refuses two ways to be a daemon, and says that a log file is missing", () => {
  assertEquals(run(`${BASE}daemonize2 = a\ndaemonize = b`).problems, [
    ["error", '"daemonize2" at a.ini:3 contradicts daemonize: remove one of the two'],
  ]);
  assertEquals(run(`${BASE}touch-logreopen = a\ndaemonize = b`).problems, []);
  assertEquals(run(`${BASE}touch-logreopen = a`).problems, [
    [
      "warning",
      '"touch-logreopen" at a.ini:3 has no effect: there is no log file without ' +
      "logto, daemonize or a logger",
    ],
  ]);
});

Deno.test("resolveEntries() refuses NUL characters", () => {
  assertEquals(run(`${BASE}worker-argv = a\0b`).problems, [
    ["error", '"worker-argv" at a.ini:3 cannot have a NUL character in its value'],
  ]);
});

Deno.test("resolveEntries() makes unknown options warnings, when strict is off anywhere", () => {
  const text = `foo = 1\n${BASE}static-gzip-all = 1\n`;
  const severities = (more: string) => run(text + more).problems.map(([severity]) => severity);
  assertEquals(severities(""), ["error", "error"]);
  assertEquals(severities("strict = false"), ["warning", "warning"]);
  assertEquals(severities("no-strict"), ["warning", "warning"]);
  assertEquals(severities("strict = false\nstrict"), ["error", "error"]);
});

Deno.test("resolveEntries() warns of uWSGI's options that are not needed, also when strict is on", () => {
  const needless = [...uwsgiOptions()].filter(([, hint]) => hint.startsWith(NOT_NEEDED));
  const names =
    "enable-threads threads single-interpreter need-app lazy-apps no-orphans thunder-lock " +
    "harakiri-verbose ignore-sigpipe ignore-write-errors disable-write-exception carbon-max-retry " +
    "carbon-retry-delay carbon-use-metrics carbon-name-resolve carbon-hostname-dots autoload";
  for (const name of names.split(" ")) assert(needless.some(([one]) => one === name), name);
  const { problems } = run(
    `${BASE}strict = true\n${needless.slice(0, 45).map(([name]) => `${name} = 1\n`).join("")}`,
  );
  assertEquals(problems.length, 45);
  for (const [severity, message] of problems) assertEquals(severity, "warning", message);
});

Deno.test("resolveEntries() says nothing that only follows from a value it cannot read", () => {
  const { problems } = run(
    `${BASE}cheaper = 8 ; few\ncheaper-initial = 8\ncheaper-step = 2\nlog-maxsize = 1m\n` +
      "min-worker-lifetime = 10\nmax-worker-lifetime = 1h",
  );
  assertEquals(problems.map(([severity]) => severity), ["error", "error"]);
});

Deno.test("resolveEntries() suggests set-placeholder for unknown names that are used as such", () => {
  assertEquals(run(`${BASE}base = 80`, ["base"]).problems, [
    [
      "error",
      'Unknown option "base" at a.ini:3: to define %(base) write set-placeholder = base=80',
    ],
  ]);
  assertEquals(run(`${BASE}base = 80\nstrict = off`, ["base"]).problems, []);
});

Deno.test("resolveEntries() shows how an option is written that lacks its equals sign", () => {
  assertEquals(run(`${BASE}http-socket 127.0.0.1:81`).problems, [
    [
      "error",
      'Unknown option "http-socket 127.0.0.1:81" at a.ini:3: a value needs "=", as in ' +
      "http-socket = 127.0.0.1:81",
    ],
  ]);
});

Deno.test("resolveEntries() reports a missing script and socket, unless files are missing", () => {
  assertEquals(run("listen = 1").problems.length, 2);
  assertEquals(run("listen = 1", [], true).problems, []);
  assertEquals(run("listen = 1\nsocket = wrong:x\ndeno-worker-override").problems.length, 2);
});

Deno.test("resolveEntries() reports an address that is configured twice, port 0 excepted", () => {
  assertEquals(run(`${BASE}http-socket = 0.0.0.0:1\nsocket = :0\nsocket = :0`).problems, [
    [
      "error",
      'The address "0.0.0.0:1" at a.ini:3 is already configured at a.ini:2: remove one of ' +
      "the two",
    ],
  ]);
});

Deno.test("resolveEntries() warns, when an option without effect is switched off", () => {
  const { problems } = run(`${BASE}master = false\ndie-on-term = false`);
  assertEquals(problems.map(([severity]) => severity), ["warning", "warning"]);
  assertEquals(run(`${BASE}master = false\nmaster`).problems, []);
});

Deno.test("defaults() have the values that the documentation of Config promises", () => {
  const { processes, listen, reusePort, startTimeoutMs, workerReloadMercyMs, strict } = defaults();
  assertEquals([processes, listen, reusePort, startTimeoutMs, workerReloadMercyMs, strict], [
    1,
    100,
    true,
    60_000,
    60_000,
    true,
  ]);
});

Deno.test("resolveEntries() wants a maximal lifetime above the minimal one", () => {
  assertEquals(run(`${BASE}max-worker-lifetime = 11`).problems, []);
  assertEquals(run(`${BASE}max-worker-lifetime = 0\nmin-worker-lifetime = 60`).problems, []);
  assertEquals(run(`${BASE}max-worker-lifetime = 10`).problems, [[
    "error",
    '"max-worker-lifetime" at a.ini:3 is 10 seconds, but must be more than min-worker-lifetime, ' +
    "which is 10 unless it is set",
  ]]);
  assertEquals(run(`${BASE}min-worker-lifetime = 60\nmax-worker-lifetime = 20`).problems, [[
    "error",
    '"max-worker-lifetime" at a.ini:4 is 20 seconds, but must be more than min-worker-lifetime, ' +
    "which is 60 at a.ini:3",
  ]]);
});
