/**
 * Feeds the whole configuration layer garbage made of the dialect's own words: it must never throw,
 * never hang, and say of every problem where it is.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { cpuUsage } from "node:process";
import { allNames } from "../../../lib/config/options.ts";
import { loadConfig, type Loaded } from "../../../lib/config/load.ts";
import { optionsForModule, showConfig } from "../../../lib/config/show_config.ts";
import { memorySource } from "../../helpers/memory_source.ts";

const TOKENS = [
  ...allNames(),
  ..."% %% %( %(_) %(a) %(b + a) %(a a a) $( $(HOME) $(X:-%(a)) @( @(a.ini) @(-) @(data:,%41) )"
    .split(
      " ",
    ),
  ..."+ ++ -- * / _ a b c 0 1 9 -1 99999999 1.5 true off = == : ; # [ ] [uwsgi] [b] @ fd:// ::"
    .split(
      " ",
    ),
  ..."a.ini b.ini a.ini:b :b - -- --ini -p -Mp4 --set-ph --for=a --endfor *.ini ^a+$ (a+)+".split(
    " ",
  ),
  ..." ,  ,\n,\n,\n,\r\n,\t,\0,\ufeff,é,\u{1f600},\\,\",',__proto__,constructor".split(","),
];

const anyToken = fc.constantFrom(...TOKENS);
const anyName = fc.constantFrom(...allNames());
const line = fc.tuple(anyName, fc.array(anyToken, { maxLength: 4 }))
  .map(([name, value]) => `\n${name} = ${value.join("")}`);
const garbage = fc.array(
  fc.oneof(
    { weight: 20, arbitrary: line },
    { weight: 1, arbitrary: anyToken },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 8 }) },
  ),
  { maxLength: 40, size: "max" },
).map((parts) => parts.join(""));

/** Checks what holds of every result. */
function examine(loaded: Loaded): void {
  for (const { message, origin, severity } of loaded.problems) {
    assert(origin.file !== "" && origin.line >= 1, message);
    assert(/^[^\s]/.test(message) && !message.endsWith("."), message);
    assert(severity === "error" || severity === "warning", message);
  }
  const failed = loaded.problems.some(({ severity }) => severity === "error");
  const needsConfig = !["help", "version", "reload", "stop", "pause"].includes(loaded.command.kind);
  assertEquals(loaded.config === null, failed || !needsConfig);
  assertEquals(typeof showConfig(loaded), "string");
  assertEquals(typeof optionsForModule(loaded.entries), "object");
}

Deno.test("loadConfig() neither throws nor hangs, whatever is in the files", () => {
  fc.assert(
    fc.property(garbage, garbage, (a, b) => {
      const source = memorySource({
        files: { "a.ini": `[uwsgi]\nstrict = no${a}`, "b.ini": `[b]${b}\n[uwsgi]${a}` },
        env: { HOME: "%(a)$(HOME)" },
        input: b,
      });
      examine(loadConfig(["a.ini"], source));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("loadConfig() neither throws nor hangs, whatever the arguments are", () => {
  const argument = fc.oneof(
    anyToken,
    anyName.map((name) => `--${name}`),
    fc.tuple(anyName, anyToken).map(([name, text]) => `--${name}=${text}`),
    garbage,
  );
  fc.assert(
    fc.property(fc.array(argument, { maxLength: 12, size: "max" }), garbage, (argv, file) => {
      examine(loadConfig(argv, memorySource({ files: { "a.ini": file }, input: file })));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("loadConfig() comes to an end within seconds, when a file is made to keep it busy", () => {
  const repeated = (line: (index: number) => string) =>
    `[uwsgi]\n${Array.from({ length: 8_000 }, (_, index) => line(index)).join("\n")}\n`;
  const hostile = [
    repeated((index) => `unknown-option-name-number-${index} = %(unknown-option-name-number-0)`),
    repeated((index) => `env = V${index}=1`),
    repeated((index) => `set-ph = p${index}=%(p${index + 1})`),
    repeated(() => `worker-argv = ${"%(".repeat(200)}`),
    repeated(() => "if-hostname-match = ^[a-z]*[a-z]*[a-z]*!"),
    `[uwsgi]\n${"for-times = 1000\n".repeat(16)}${"endfor\n".repeat(16)}`,
    `[uwsgi]\nfor-times = 100000\nfor-readline = a.ini\nendfor\nendfor\n${" ; ".repeat(300_000)}`,
    `[uwsgi]\nset-ph = ${" ".repeat(300_000)}=${"\t".repeat(300_000)}x`,
    `[uwsgi]\nsocket = ${"a.".repeat(60_000)}:1\nchown-socket = ${"a:".repeat(60_000)}`,
  ];
  const hostname = "a".repeat(64);
  for (const [index, text] of hostile.entries()) {
    const before = cpuUsage();
    examine(loadConfig(["a.ini"], memorySource({ files: { "a.ini": text }, hostname })));
    // Processor time: what else the machine does meanwhile is not the configuration's fault.
    const { user, system } = cpuUsage(before);
    const seconds = (user + system) / 1e6;
    assert(seconds < 10, `Text ${index} took ${seconds} s`);
  }
});
