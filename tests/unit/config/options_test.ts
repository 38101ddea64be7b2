import { assert, assertEquals } from "@std/assert";
import { loadConfig } from "../../../lib/config/load.ts";
import { GROUPS, namesOf } from "../../../lib/config/kinds/option_row.ts";
import {
  allNames,
  findOptionKey,
  findRow,
  OPTION_KEYS,
  OPTIONS,
  ROWS,
  START_COMMANDS,
} from "../../../lib/config/options.ts";
import { memorySource } from "../../helpers/memory_source.ts";

Deno.test("ROWS have names and letters of their own", () => {
  const names = ROWS.flatMap(namesOf);
  assertEquals(new Set(names).size, names.length);
  assertEquals(new Set(allNames()), new Set(names));
  const letters = ROWS.map(({ short }) => short).filter((short) => short !== "");
  assertEquals(new Set(letters).size, letters.length);
});

Deno.test("ROWS explain themselves: a sentence without period, an example, a known group", () => {
  for (const { name, help, example, group } of ROWS) {
    assert(/^[A-Z].*[^.]$/.test(help), `${name}: ${help}`);
    assert(example !== "", name);
    assert(GROUPS.includes(group), name);
  }
});

Deno.test("ROWS have examples that are read without a problem of their own", () => {
  const files = {
    "production.ini": "[web]",
    "limits.ini": "[uwsgi]",
    "/etc/app/overrides.ini": "[uwsgi]",
    "ports.txt": "8080",
  };
  for (const row of ROWS) {
    if (START_COMMANDS.some((command) => command === row)) continue;
    const script = row.example.includes("deno-worker-override")
      ? ""
      : "deno-worker-override = app.ts\n";
    const socket = row.example.includes("socket =") ? "" : "http-socket = :8080\n";
    const text = `[uwsgi]\n${script}${socket}${row.example}\n`;
    const source = memorySource({ files: { ...files, "app.ini": text }, env: { PORT: "80" } });
    const { problems } = loadConfig(["app.ini"], source);
    const real = problems.filter(({ message }) =>
      !/There is no address|already configured/.test(message)
    );
    assertEquals(real, [], row.name);
  }
});

Deno.test("OPTIONS write their defaults so that they are read as the same", () => {
  const origin = { file: "a.ini", line: 1 };
  const check = <K extends typeof OPTION_KEYS[number]>(key: K) => {
    const { kind, default: unset, name } = OPTIONS[key];
    for (const { value } of kind.write(unset)) {
      assertEquals(kind.add(unset, { name, value, origin }), unset, name);
    }
  };
  for (const key of OPTION_KEYS) check(key);
});

Deno.test("findRow() and findOptionKey() know aliases, and nothing else", () => {
  assertEquals(findRow("workers"), OPTIONS.processes);
  assertEquals(findOptionKey("workers"), "processes");
  assertEquals(findOptionKey("http-socket"), "sockets");
  assertEquals(findOptionKey("ini"), undefined);
  assertEquals(findRow("constructor"), undefined);
});
