/** Merging import maps, on values alone. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  type ImportMapLayer,
  mergeImportMaps,
  replacedUwsgi,
} from "../../../../lib/master/deno_project/import_map.ts";
import { importMapFlags } from "../../../../lib/master/deno_project/import_map_flags.ts";
import {
  isWorkspaceMember,
  workspacePatterns,
} from "../../../../lib/master/deno_project/deno_workspace.ts";

const UWSGI = "file:///opt/duwsgi/lib/worker/uwsgi.ts";
const MAP = "file:///run/duwsgi/map.json";

function layer(url: string, part: Partial<ImportMapLayer>): ImportMapLayer {
  return { url, imports: {}, scopes: {}, member: false, subpaths: true, ...part };
}

function merged(...layers: ImportMapLayer[]): ReturnType<typeof mergeImportMaps> {
  return mergeImportMaps(layers, UWSGI, MAP);
}

Deno.test("mergeImportMaps() maps uwsgi alone, when the script has no configuration", () => {
  assertEquals(merged(), { imports: { uwsgi: UWSGI }, scopes: {} });
});

Deno.test("mergeImportMaps() makes addresses absolute, when they are relative to their file", () => {
  const cases: readonly [address: string, expected: string][] = [
    ["./src/", "file:///srv/app/src/"],
    ["./a.ts", "file:///srv/app/a.ts"],
    ["../b.ts", "file:///srv/b.ts"],
    ["/etc/c.ts", "file:///etc/c.ts"],
    ["./a b.ts", "file:///srv/app/a%20b.ts"],
    ["https://example.com/m.ts", "https://example.com/m.ts"],
    ["node:fs", "node:fs"],
    ["file:///x.ts", "file:///x.ts"],
    ["data:text/javascript,1", "data:text/javascript,1"],
    ["bare", "bare"],
    ["", ""],
  ];
  for (const [address, expected] of cases) {
    const map = merged(layer("file:///srv/app/deno.json", { imports: { k: address } }));
    assertEquals(map.imports, { k: expected, uwsgi: UWSGI }, address);
  }
});

Deno.test("mergeImportMaps() makes keys absolute, when they are relative specifiers", () => {
  const imports = { "./x.ts": "./y.ts", "../": "./up/", "/r": "./r.ts", "https://a/": "./a/" };
  assertEquals(merged(layer("file:///srv/app/deno.json", { imports })).imports, {
    "file:///srv/app/x.ts": "file:///srv/app/y.ts",
    "file:///srv/": "file:///srv/app/up/",
    "file:///r": "file:///srv/app/r.ts",
    "https://a/": "file:///srv/app/a/",
    uwsgi: UWSGI,
  });
});

Deno.test("mergeImportMaps() adds the subpaths of packages, when the layer is a deno.json", () => {
  const cases: readonly [entries: Record<string, string>, expected: Record<string, string>][] = [
    [{ h: "npm:hono@4" }, { h: "npm:hono@4", "h/": "npm:/hono@4/" }],
    [{ h: "npm:/hono@4" }, { h: "npm:/hono@4", "h/": "npm:/hono@4/" }],
    [{ "@s/c": "jsr:@s/c@^1" }, { "@s/c": "jsr:@s/c@^1", "@s/c/": "jsr:/@s/c@^1/" }],
    [{ c: "npm:hono@4/cors" }, { c: "npm:hono@4/cors", "c/": "npm:/hono@4/cors/" }],
    [{ h: "npm:a", "h/": "npm:/b/" }, { h: "npm:a", "h/": "npm:/b/" }],
    [{ "h/": "npm:/b/", h: "npm:a" }, { "h/": "npm:/b/", h: "npm:a" }],
    [{ h: "https://a.b/" }, { h: "https://a.b/" }],
  ];
  for (const [imports, expected] of cases) {
    const url = "file:///a/deno.json";
    assertEquals(merged(layer(url, { imports })).imports, { ...expected, uwsgi: UWSGI });
    const plain = merged(layer(url, { imports, subpaths: false }));
    assertEquals(plain.imports, { ...imports, uwsgi: UWSGI });
  }
});

Deno.test("mergeImportMaps() blocks a specifier, when its address is no string", () => {
  const imports = { none: null, number: 1, object: {} };
  const map = merged(layer("file:///a/deno.json", { imports }));
  assertEquals(map.imports, { none: null, number: null, object: null, uwsgi: UWSGI });
});

Deno.test("mergeImportMaps() spells directories in scopes as Deno does, when they are files", () => {
  const scopes = {
    "./src/": { a: "./a.ts", uwsgi: "./mine.ts", h: "npm:h" },
    "./one.ts": { b: "./b.ts" },
    "https://x.y/": { c: "./c.ts" },
    "file:///run/duwsgi/in/": { d: "./d.ts" },
  };
  assertEquals(merged(layer("file:///srv/app/deno.json", { scopes })).scopes, {
    "./../../srv/app/src/": { a: "file:///srv/app/a.ts", h: "npm:h", "h/": "npm:/h/" },
    "file:///srv/app/one.ts": { b: "file:///srv/app/b.ts" },
    "https://x.y/": { c: "file:///srv/app/c.ts" },
    "./in/": { d: "file:///srv/app/d.ts" },
  });
});

Deno.test("mergeImportMaps() lets a member's imports win below its directory, after Deno's own", () => {
  const root = layer("file:///srv/deno.json", {
    imports: { x: "./root.ts" },
    scopes: { "./a/": { s: "./s.ts", x: "./scoped.ts" } },
  });
  const member = layer("file:///srv/a/deno.json", {
    imports: { x: "./a.ts", uwsgi: "./mine.ts", plain: "src/p.ts" },
    member: true,
  });
  const map = merged(root, member);
  assertEquals(map.imports, { x: "file:///srv/root.ts", uwsgi: UWSGI });
  assertEquals(Object.entries(map.scopes), [
    ["./../../srv/a/", { s: "file:///srv/s.ts", x: "file:///srv/scoped.ts" }],
    ["file:///srv/a/", {
      s: "file:///srv/s.ts",
      x: "file:///srv/a/a.ts",
      plain: "file:///srv/a/src/p.ts",
      uwsgi: UWSGI,
    }],
  ]);
});

Deno.test("mergeImportMaps() keeps a key named __proto__ as data, when a file has one", () => {
  const imports = JSON.parse('{"__proto__": "./p.ts"}');
  const map = merged(layer("file:///a/deno.json", { imports }));
  assertEquals(Object.keys(map.imports), ["__proto__", "uwsgi"]);
});

Deno.test("replacedUwsgi() lists a layer, when its uwsgi leads elsewhere", () => {
  const a = layer("file:///a/deno.json", { imports: { uwsgi: "./types.ts" } });
  const b = layer("file:///b/deno.json", { imports: { uwsgi: "/opt/duwsgi/lib/worker/uwsgi.ts" } });
  const c = layer("file:///c/deno.json", { scopes: { "./s/": { uwsgi: null } } });
  const d = layer("file:///d/deno.json", { imports: { other: "./o.ts" } });
  const e = layer("file:///e/deno.json", { imports: { uwsgi: "../dist/lib/worker/uwsgi.js" } });
  assertEquals(replacedUwsgi([a, b, c, d, e]), [a.url, c.url]);
});

Deno.test("importMapFlags() finds configuration and import map, however they are spelled", () => {
  type Found = Partial<ReturnType<typeof importMapFlags>>;
  const cases: readonly [flags: string[], expected: Found][] = [
    [[], {}],
    [["--config", "a.json"], { config: "a.json", rest: ["--config", "a.json"] }],
    [["--config=a.json"], { config: "a.json", rest: ["--config=a.json"] }],
    [["-c", "a.json"], { config: "a.json", rest: ["-c", "a.json"] }],
    [["-ca.json"], { config: "a.json", rest: ["-ca.json"] }],
    [["-Ac", "a.json"], { config: "a.json", rest: ["-Ac", "a.json"] }],
    [["-c=a.json"], { config: "a.json", rest: ["-c=a.json"] }],
    [["-c", "a", "--config", "b"], { config: "b", rest: ["-c", "a", "--config", "b"] }],
    [["--no-config", "-A"], { noConfig: true, rest: ["--no-config", "-A"] }],
    [["-A", "--import-map", "m.json", "-q"], { importMap: "m.json", rest: ["-A", "-q"] }],
    [["--import-map=m=1.json"], { importMap: "m=1.json" }],
    [["-Lc", "--config-x", "--cached-only"], { rest: ["-Lc", "--config-x", "--cached-only"] }],
  ];
  for (const [flags, expected] of cases) {
    assertEquals(importMapFlags(flags), {
      config: null,
      noConfig: false,
      importMap: null,
      rest: [],
      ...expected,
    }, flags.join(" "));
  }
});

Deno.test("importMapFlags() throws, when the file is missing", () => {
  for (const flags of [["--config"], ["-A", "--import-map"], ["-c"], ["--import-map="]]) {
    assertThrows(() => importMapFlags(flags), SyntaxError, "Missing file after the Deno flag");
  }
});

Deno.test("isWorkspaceMember() matches paths and wildcards, when a pattern covers the directory", () => {
  const cases: readonly [patterns: string[], directory: string, expected: boolean][] = [
    [["./a"], "/w/a", true],
    [["a/"], "/w/a", true],
    [["./a"], "/w/a/b", false],
    [["./x/../a"], "/w/a", true],
    [["./packages/*"], "/w/packages/p", true],
    [["packages/*/"], "/w/packages/p", true],
    [["./packages/*"], "/w/packages/p/q", false],
    [["./packages/**"], "/w/packages/p/q", true],
    [["./packages/?"], "/w/packages/p", true],
    [["./packages/*", "!./packages/q"], "/w/packages/q", false],
    [["./packages/*", "!./packages/q"], "/w/packages/p", true],
    [["./packages/{p,q}"], "/w/packages/p", false],
    [[], "/w/a", false],
  ];
  for (const [patterns, directory, expected] of cases) {
    assertEquals(
      isWorkspaceMember(patterns, "/w", directory),
      expected,
      `${patterns} ${directory}`,
    );
  }
});

Deno.test("workspacePatterns() reads every form of a workspace, and null without one", () => {
  assertEquals(workspacePatterns(["./a", 1]), ["./a"]);
  assertEquals(workspacePatterns({ members: ["./a"] }), ["./a"]);
  assertEquals(workspacePatterns({ packages: ["./a"] }), ["./a"]);
  assertEquals(workspacePatterns([]), []);
  for (const value of [undefined, null, "a", {}]) assertEquals(workspacePatterns(value), null);
});
