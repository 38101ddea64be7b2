/**
 * Projects whose modules, configuration and packages lie in various places around the script: all of them
 * run by `deno run`, so all of them run as sandboxed workers. Each answers with `fine`.
 *
 * @module
 */
import { dirname, join } from "@std/path/posix";

/** A project. */
export interface ProjectLayout {
  readonly name: string;
  /** Files, by path from the project's top. */
  readonly files: Readonly<Record<string, string>>;
  /** Symbolic links: path → target. */
  readonly links?: Readonly<Record<string, string>>;
  /** The script. @default "app/main.ts" */
  readonly script?: string;
  /** More lines for the INI; `%TOP%` is the project's top. @default "allow-net = false" */
  readonly ini?: string;
}

/** A script that answers with a value. */
const serve = (head: string, value = "word") =>
  `import uwsgi from "uwsgi";\n${head}\nuwsgi.serve(() => new Response(String(${value})));\n`;

const word = (kind = "") => `export const word${kind} = "fine";\n`;
const GREETING = serve(`import { word } from "greeting";`);
const PACKAGE = `{ "name": "greeting", "version": "1.0.0", "type": "module", "main": "index.js" }`;
const RELATIVE = serve(`import { word } from "../shared/word.ts";`);
const SHARED = { "shared/word.ts": word(": string") };

/** A module of WebAssembly that exports nothing. */
const EMPTY_WASM = "\0asm\x01\0\0\0";

/** All of them. */
export const PROJECT_LAYOUTS: readonly ProjectLayout[] = [
  { name: "a script alone", files: { "app/main.ts": serve(`const word: string = "fine";`) } },
  {
    name: "a script in JavaScript",
    files: { "app/main.mjs": serve(`const word = "fine";`) },
    script: "app/main.mjs",
  },
  { name: "a module beside the script's folder", files: { "app/main.ts": RELATIVE, ...SHARED } },
  {
    name: "a module that is imported later",
    files: {
      "app/main.ts": serve("", `(await import("../shared/word.ts")).word`).replace(
        "() =>",
        "async () =>",
      ),
      ...SHARED,
    },
  },
  {
    name: "a member of a workspace",
    files: {
      "deno.json": `{ "workspace": ["./app", "./shared"] }`,
      "app/deno.json": `{ "name": "@t/app", "exports": "./main.ts", "version": "1.0.0" }`,
      "app/main.ts": serve(`import { word } from "@t/shared";`),
      "shared/deno.json": `{ "name": "@t/shared", "exports": "./word.ts", "version": "1.0.0" }`,
      ...SHARED,
    },
  },
  {
    name: "a linked package",
    files: {
      "app/deno.json": `{ "links": ["../shared"], "imports": { "@t/shared": "jsr:@t/shared@1" } }`,
      "app/main.ts": RELATIVE,
      "shared/deno.json": `{ "name": "@t/shared", "exports": "./word.ts", "version": "1.0.0" }`,
      ...SHARED,
    },
  },
  {
    name: "a workspace of npm",
    files: {
      "package.json": `{ "private": true, "workspaces": ["packages/*"] }`,
      "packages/app/package.json": `{ "type": "module", "dependencies": { "greeting": "*" } }`,
      "packages/app/main.ts": GREETING,
      "packages/greeting/package.json": PACKAGE,
      "packages/greeting/index.js": word(),
    },
    links: { "node_modules/greeting": "../packages/greeting" },
    script: "packages/app/main.ts",
  },
  {
    name: "an import map beside the project",
    files: {
      "app/deno.jsonc": `{ "importMap": "../maps/map.json" /* there */ }`,
      "maps/map.json": `{ "imports": { "greeting/": "../shared/" } }`,
      "app/main.ts": serve(`import { word } from "greeting/word.ts";`),
      ...SHARED,
    },
  },
  {
    name: "an import map with scopes, in a flag",
    files: {
      "maps/map.json": `{ "scopes": { "../app/": { "greeting": "../shared/word.ts" } } }`,
      "app/main.ts": GREETING,
      ...SHARED,
    },
    ini: "allow-net = false\ndeno-flag = --import-map=%TOP%/maps/map.json",
  },
  {
    name: "a deno.json in a flag",
    files: {
      "conf/deno.json": `{ "imports": { "greeting": "../shared/word.ts" } }`,
      "app/main.ts": GREETING,
      ...SHARED,
    },
    ini: "allow-net = false\ndeno-flag = --config=%TOP%/conf/deno.json",
  },
  {
    name: "a deno.json far above",
    files: {
      "deno.json": `{ "imports": { "@/": "./shared/" } }`,
      "app/a/b/main.ts": serve(`import { word } from "@/word.ts";`),
      ...SHARED,
    },
    script: "app/a/b/main.ts",
  },
  {
    name: "a frozen lock file",
    files: {
      "app/deno.json": `{ "lock": { "frozen": true } }`,
      "app/deno.lock": `{ "version": "5" }`,
      "app/main.ts": RELATIVE,
      ...SHARED,
    },
  },
  {
    name: "a runtime for JSX of its own",
    files: {
      "app/deno.json": `{ "imports": { "@t/jsx/jsx-runtime": "../shared/jsx.ts" },
        "compilerOptions": { "jsx": "react-jsx", "jsxImportSource": "@t/jsx" } }`,
      "app/main.tsx": serve("const word = <b />;"),
      "shared/jsx.ts": `export const jsx = (): string => "fine";`,
    },
    script: "app/main.tsx",
  },
  {
    name: "a package from the cache",
    files: {
      "app/main.ts": serve(
        `import { closestString } from "npm:deno-std@1.4.0/text/closest_string.js";`,
        `closestString("fin", ["fine", "else"])`,
      ),
    },
  },
  {
    name: "a package that no lock file knows yet",
    files: {
      "app/deno.json": `{ "imports": { "nearest": "npm:deno-std@1.4.0/text/closest_string.js" } }`,
      "app/main.ts": serve(
        `import { closestString } from "nearest";`,
        `closestString("fin", ["fine", "else"])`,
      ),
    },
  },
  {
    name: "a package in node_modules above",
    files: {
      "package.json": `{ "dependencies": { "greeting": "1.0.0" } }`,
      "node_modules/greeting/package.json": PACKAGE,
      "node_modules/greeting/index.js": word(),
      "app/main.ts": GREETING,
    },
  },
  {
    name: "a package in CommonJS that needs another",
    files: {
      "app/package.json": `{ "type": "module", "dependencies": { "greeting": "1.0.0" } }`,
      "app/node_modules/greeting/package.json": `{ "name": "greeting", "version": "1.0.0" }`,
      "app/node_modules/greeting/index.js": `exports.word = require("other");`,
      "app/node_modules/other/package.json": `{ "name": "other", "version": "1.0.0" }`,
      "app/node_modules/other/index.js": `module.exports = "fine";`,
      "app/main.ts": serve(`import greeting from "greeting";`, "greeting.word"),
    },
  },
  {
    name: "node_modules of pnpm",
    files: {
      "app/package.json": `{ "type": "module", "dependencies": { "greeting": "1.0.0" } }`,
      "app/node_modules/.pnpm/greeting@1.0.0/node_modules/greeting/package.json": PACKAGE,
      "app/node_modules/.pnpm/greeting@1.0.0/node_modules/greeting/index.js": word(),
      "app/main.ts": GREETING,
    },
    links: { "app/node_modules/greeting": ".pnpm/greeting@1.0.0/node_modules/greeting" },
  },
  {
    name: "a store of packages elsewhere",
    files: {
      "app/package.json": `{ "type": "module", "dependencies": { "greeting": "1.0.0" } }`,
      "store/greeting/1/node_modules/greeting/package.json": PACKAGE,
      "store/greeting/1/node_modules/greeting/index.js": `export { word } from "other";`,
      "store/other/1/node_modules/other/package.json": PACKAGE.replace("greeting", "other"),
      "store/other/1/node_modules/other/index.js": word(),
      "app/main.ts": GREETING,
    },
    links: {
      "app/node_modules/greeting": "../../store/greeting/1/node_modules/greeting",
      "store/greeting/1/node_modules/other": "../../../other/1/node_modules/other",
    },
  },
  {
    name: "node_modules that is a link",
    files: {
      "app/package.json": `{ "type": "module", "dependencies": { "greeting": "1.0.0" } }`,
      "packages/greeting/package.json": PACKAGE,
      "packages/greeting/index.js": word(),
      "app/main.ts": GREETING,
    },
    links: { "app/node_modules": "../packages" },
  },
  {
    name: "a package that npm has linked",
    files: {
      "app/package.json": `{ "type": "module", "dependencies": { "@t/greeting": "1.0.0" } }`,
      "work/greeting/package.json": PACKAGE.replace("greeting", "@t/greeting"),
      "work/greeting/index.js": word(),
      "app/main.ts": serve(`import { word } from "@t/greeting";`),
    },
    links: { "app/node_modules/@t/greeting": "../../../work/greeting" },
  },
  {
    name: "a link to the folder of a release",
    files: {
      "releases/1/main.ts": serve(`import { word } from "./word.ts";`),
      "releases/1/word.ts": word(),
    },
    links: { "current": "releases/1" },
    script: "current/main.ts",
  },
  {
    name: "a script that is a link",
    files: { "shared/main.ts": serve(`import { word } from "./word.ts";`), "app/word.ts": word() },
    links: { "app/main.ts": "../shared/main.ts" },
  },
  {
    name: "a module that is a link",
    files: { "app/main.ts": serve(`import { word } from "./word.ts";`), ...SHARED },
    links: { "app/word.ts": "../shared/word.ts" },
  },
  {
    name: "JSON from outside",
    files: {
      "conf/word.json": `{ "word": "fine" }`,
      "app/main.ts": serve(
        `import conf from "../conf/word.json" with { type: "json" };`,
        "conf.word",
      ),
    },
  },
  {
    name: "a text in the folder",
    files: {
      "app/word.txt": "fine",
      "app/main.ts": serve(`import word from "./word.txt" with { type: "text" };`),
    },
    ini: "allow-net = false\ndeno-flag = --unstable-raw-imports",
  },
  {
    name: "a text in a folder that may be read",
    files: {
      "texts/word.txt": "fine",
      "app/main.ts": serve(`import word from "../texts/word.txt" with { type: "text" };`),
    },
    ini: "allow-read = %TOP%/texts\ndeno-flag = --unstable-raw-imports",
  },
  {
    name: "WebAssembly from outside",
    files: {
      "wasm/empty.wasm": EMPTY_WASM,
      "app/main.ts": serve(
        `import * as empty from "../wasm/empty.wasm";`,
        `Object.keys(empty).length === 0 ? "fine" : "bad"`,
      ),
    },
  },
  {
    name: "a thread of the script",
    files: {
      "app/main.ts": serve(
        `const thread = new Worker(new URL("../shared/thread.ts", import.meta.url), { type: "module" });
const word = await new Promise((resolve) => thread.onmessage = ({ data }) => resolve(data));`,
      ),
      "shared/thread.ts": `import { word } from "./word.ts";\nself.postMessage(word);`,
      ...SHARED,
    },
    ini: "allow-read = %TOP%/shared",
  },
  {
    name: "variables from a file elsewhere",
    files: {
      "conf/app.env": "WORD=fine",
      "app/main.ts": serve(`const word = Deno.env.get("WORD");`),
    },
    ini: "allow-env = WORD\ndeno-flag = --env-file=%TOP%/conf/app.env",
  },
  {
    name: "a preload of the user's",
    files: {
      "setup/first.ts": `Object.assign(globalThis, { word: "fine" as string });`,
      "app/main.ts": serve("declare const word: string;"),
    },
    ini: "allow-net = false\ndeno-flag = --preload=%TOP%/setup/first.ts",
  },
  {
    name: "modules of Node, time zones and names of users",
    files: {
      "app/main.ts": serve(
        `import { createHash } from "node:crypto";
import os from "node:os";
const here = new Date(0).toLocaleString("de", { timeZone: "Europe/Berlin" });
const word = createHash("sha1").update("").digest("hex") + os.EOL + here`,
        `word.includes("1:00:00") ? "fine" : word`,
      ),
    },
  },
  {
    name: "odd names",
    files: {
      "a b#c/ä'ß/main.ts": serve(`import { word } from "../é ?/wörd.ts";`.replace("?", "%3F")),
      "a b#c/é ?/wörd.ts": word(": string"),
    },
    script: "a b#c/ä'ß/main.ts",
  },
];

/** Writes a project below a directory. */
export function writeProject({ files, links = {} }: ProjectLayout, top: string): void {
  for (const [path, text] of Object.entries(files)) {
    Deno.mkdirSync(dirname(join(top, path)), { recursive: true });
    Deno.writeTextFileSync(join(top, path), text);
  }
  for (const [path, target] of Object.entries(links)) {
    Deno.mkdirSync(dirname(join(top, path)), { recursive: true });
    Deno.symlinkSync(target, join(top, path));
  }
}
