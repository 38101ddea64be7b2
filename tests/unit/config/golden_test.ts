/**
 * Runs every case in `tests/golden/config`: files, arguments and environment in, configuration and
 * problems out. `deno test -A tests/unit/config/golden_test.ts -- --update` writes what comes out
 * into the cases; look at the difference before you keep it.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { loadConfig } from "../../../lib/config/load.ts";
import { showConfig } from "../../../lib/config/show_config.ts";
import { memorySource } from "../../helpers/memory_source.ts";

const FOLDER = new URL("../../golden/config/", import.meta.url);

/** A case is a row of parts, each with a line `==> name` above it; what stands first explains. */
function parseCase(text: string): { about: string; parts: ReadonlyMap<string, string> } {
  const [about = "", ...rest] = text.split(/^==> /m);
  const parts = rest.map((part) => {
    const end = part.indexOf("\n");
    return [part.slice(0, end), part.slice(end + 1)] as const;
  });
  return { about, parts: new Map(parts) };
}

/** What the case leads to, as the text of its last two parts. */
function outcome(parts: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const files: Record<string, string> = {};
  for (const [heading, body] of parts) {
    const [name = "", ...modes] = heading.split(" ");
    if (["arguments", "environment", "config", "problems", "stdin"].includes(name)) continue;
    const text = modes.includes("crlf") ? body.replaceAll("\n", "\r\n") : body;
    files[name] = modes.includes("bom") ? `\ufeff${text}` : text;
  }
  const lines = (name: string) => (parts.get(name) ?? "").split("\n").filter((line) => line !== "");
  const stdin = parts.get("stdin");
  const source = memorySource({
    files,
    env: Object.fromEntries(
      lines("environment").map((line) => [line.split("=")[0] ?? "", line.replace(/^[^=]*=/, "")]),
    ),
    ...stdin === undefined ? {} : { input: stdin },
  });
  const loaded = loadConfig(parts.has("arguments") ? lines("arguments") : ["app.ini"], source);
  const config = loaded.config === null
    ? []
    : showConfig(loaded).split("\n").filter((line) => !/^(\[uwsgi\]|;.*|)$/.test(line));
  const problems = loaded.problems.map(({ severity, message }) => `${severity}: ${message}`);
  const text = (all: readonly string[]) => all.map((line) => `${line}\n`).join("");
  return new Map([["config", text(config)], ["problems", text(problems)]]);
}

const names = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).sort();

Deno.test("golden configuration cases are there", () => {
  assert(names.length >= 30, `Only ${names.length} cases were found`);
});

for (const name of names) {
  Deno.test(`loadConfig() does what golden case ${name} says`, () => {
    const url = new URL(name, FOLDER);
    const { about, parts } = parseCase(Deno.readTextFileSync(url));
    const actual = outcome(parts);
    if (Deno.args.includes("--update")) {
      const all = new Map([...parts, ...actual]);
      Deno.writeTextFileSync(
        url,
        about + [...all].map(([heading, body]) => `==> ${heading}\n${body}`).join(""),
      );
      return;
    }
    for (const part of ["config", "problems"]) {
      assertEquals(actual.get(part), parts.get(part), `${part} of ${name}: ${about.trim()}`);
    }
  });
}
