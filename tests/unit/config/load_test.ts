import { assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import type { Config } from "../../../lib/config/config.ts";
import { loadConfig } from "../../../lib/config/load.ts";
import { formatOrigin } from "../../../lib/config/problem.ts";
import { memorySource } from "../../helpers/memory_source.ts";

const USES: readonly (readonly [key: string, value: string])[] = [
  ["processes", "2"],
  ["workers", "3"],
  ["listen", "9"],
  ["env", "A=1"],
  ["env", "B=%(listen)"],
  ["worker-argv", "a b"],
  ["worker-argv", "$(HOME)"],
  ["worker-argv", "-x"],
  ["vacuum", "yes"],
  ["reuse-port", "off"],
  ["chmod-socket", "600"],
  ["touch-reload", "one"],
  ["touch-reload", "two"],
  ["http-socket", ":0"],
  ["socket", "127.0.0.1:0"],
  ["processes", "none"],
  ["proceses", "4"],
  ["set-ph", "p=1"],
  ["worker-argv", "%(p)"],
  ["start-timeout", "1.5"],
];

function withoutOrigins(config: Config | null): unknown {
  return config && { ...config, sockets: config.sockets.map(({ option, text }) => [option, text]) };
}

Deno.test("loadConfig() reads arguments and INI lines alike", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...USES)), fc.boolean(), (uses, joined) => {
      const all = [["deno-worker-override", "a.ts"], ["socket", ":1"], ...uses] as const;
      const argv = all.flatMap(([key, value]) =>
        joined || ["vacuum", "reuse-port", "chmod-socket"].includes(key)
          ? [`--${key}=${value}`]
          : key === "proceses" || !value.startsWith("-")
          ? [`--${key}`, value]
          : [`--${key}=${value}`]
      );
      const text = `[uwsgi]\n${all.map(([key, value]) => `${key} = ${value}\n`).join("")}`;
      const env = { HOME: "/root" };
      const a = loadConfig(argv, memorySource({ env }));
      const b = loadConfig(["x.ini"], memorySource({ env, files: { "x.ini": text } }));
      assertEquals(withoutOrigins(a.config), withoutOrigins(b.config));
      assertEquals(
        a.entries.map(({ key, value }) => [key, value]),
        b.entries.map(({ key, value }) => [key, value]),
      );
      const messages = (loaded: typeof a) =>
        loaded.problems.map(({ message, origin }) => message.replace(formatOrigin(origin), "#"));
      assertEquals(messages(a), messages(b));
    }),
    { numRuns: 300 },
  );
});

Deno.test("loadConfig() keeps the order of repeated options, wherever they are written", () => {
  const part = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "1"), minLength: 1 }));
  fc.assert(
    fc.property(part, part, part, (before, inside, after) => {
      const lines = inside.map((value) => `worker-argv = ${value}\n`).join("");
      const text = `[uwsgi]\nsocket = :1\ndeno-worker-override = a.ts\n${lines}`;
      const flags = (values: readonly string[]) => values.flatMap((one) => ["--worker-argv", one]);
      const { config } = loadConfig(
        [...flags(before), "--ini", "x.ini", ...flags(after)],
        memorySource({ files: { "x.ini": text } }),
      );
      assertEquals(config?.workerArgv, [...before, ...inside, ...after]);
    }),
    { numRuns: 200 },
  );
});

Deno.test("loadConfig() answers help and version without reading anything", () => {
  const argv = ["none.ini", "--bogus", "--help", "listen"];
  assertEquals(loadConfig(argv, memorySource()), {
    command: { kind: "help", topic: "listen" },
    config: null,
    draft: null,
    entries: [],
    problems: [],
    files: [],
  });
  assertEquals(loadConfig(["--version"], memorySource()).command, { kind: "version" });
});

Deno.test("loadConfig() reads the configuration for show-config and check", () => {
  const source = memorySource({
    files: { "a.ini": "[uwsgi]\nsocket = :1\nworker-override = a.ts" },
  });
  for (const kind of ["show-config", "check"] as const) {
    const loaded = loadConfig([`--${kind}`, "a.ini"], source);
    assertEquals([loaded.command.kind, loaded.config?.script], [kind, "a.ts"]);
  }
});

Deno.test("loadConfig() lists files once, as they were named, without standard input", () => {
  const source = memorySource({
    files: { "a.ini": "[uwsgi]\nini = ./b.ini\nini = :x\n[x]", "b.ini": "[uwsgi]" },
    input: "[uwsgi]",
  });
  assertEquals(loadConfig(["a.ini", "--ini", "-"], source).files, ["a.ini", "./b.ini"]);
});

Deno.test("loadConfig() tells a reload from a start", () => {
  const text = "[uwsgi]\nsocket = :1\nworker-override = a.ts\nif-reload =\nlisten = 7\nendif =";
  const files = { "a.ini": text };
  assertEquals(loadConfig(["a.ini"], memorySource({ files })).config?.listen, 100);
  const source = memorySource({ files, reloading: true });
  assertEquals(loadConfig(["a.ini"], source).config?.listen, 7);
});

Deno.test("loadConfig() survives a source that refuses everything", () => {
  const refuse = () => {
    throw new Error("Permission denied");
  };
  const source = memorySource({ kind: () => "file" });
  const { problems } = loadConfig(
    ["--ini", "-", "a.ini"],
    { ...source, readTextFile: refuse, stdin: refuse },
  );
  assertEquals(problems.map(({ message }) => message), [
    '"ini" at <command line>:1 cannot read "-": Permission denied',
    '"ini" at <command line>:3 cannot read "a.ini": Permission denied',
  ]);
});

Deno.test("no message shows what came from a file, or what is a variable", () => {
  const world = memorySource({
    files: { "secret": "=SECRET=\nsecond SECRET\x1b[31m\n", "number": "SECRET", "app.ts": "" },
    env: {},
  });
  const args = [
    ...["--deno-worker-override", "app.ts", "--http-socket", ":1"],
    ...["--env", "@(secret)", "--env", "=SECRET", "--listen", "@(number)"],
    ...["--set-placeholder", "a=@(number)", "--processes", "x%(a)", "--http-socket", "@(secret)"],
    ...[
      "--log-format",
      "%(b) @(secret)",
      "--harakiri",
      "@(secret)",
      "--strict",
      "--b",
      "@(number)",
    ],
  ];
  const { problems } = loadConfig(args, world);
  assertEquals(problems.filter(({ severity }) => severity === "error").length > 5, true);
  const text = problems.map(({ message }) => message).join("\n");
  assertEquals(text.includes("SECRET"), false, text);
  assertEquals(text.split("\n").length, problems.length);
});

Deno.test("a message is one line, whatever the value is", () => {
  const value = `x\n\x1b]0;title\x07\u009b31m\u202e${"y".repeat(1000)}`;
  const { problems } = loadConfig(["--listen", value, "--ini", value, value], memorySource());
  assertEquals(problems.length > 2, true);
  for (const { message } of problems) {
    assertEquals(/[\p{Cc}\u202e]/u.test(message), false, message);
    assertEquals(message.length < 500, true, message);
  }
});

/** The problems of an INI file with these lines. */
function problemsOf(lines: readonly string[]): string[] {
  const text = `[uwsgi]\n${lines.join("\n")}\nhttp-socket = :1\ndeno-worker-override = a.ts\n`;
  const source = memorySource({ files: { "a.ini": text } });
  return loadConfig(["a.ini"], source).problems.map(({ message }) => message);
}

Deno.test("some problems are told, and that there are more", () => {
  const unknown = problemsOf(Array.from({ length: 300 }, (_, i) => `unknwn-${i} = 1`));
  assertEquals(unknown.length, 51);
  assertStringIncludes(unknown.at(-1) ?? "", "From a.ini:52 on there are more unknown options");
  const wrong = problemsOf(Array.from({ length: 1000 }, (_, i) => `listen = x${i}`));
  assertEquals(wrong.length, 201);
  assertStringIncludes(wrong.at(-1) ?? "", "There are more problems, the first one at a.ini:202");
});

Deno.test("an unknown option in a loop is told once", () => {
  const [problem = "", ...others] = problemsOf([
    ...["for-times = 5000", "listen-quue = %(_)", "endfor ="],
  ]);
  assertStringIncludes(problem, 'Unknown option "listen-quue" at a.ini:3');
  assertEquals(others, []);
});
