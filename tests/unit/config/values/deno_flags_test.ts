import { assert, assertEquals } from "@std/assert";
import {
  isPermissionFlag,
  namedSet,
  permissionFlags,
} from "../../../../lib/config/values/deno_flags.ts";
import { loadConfig } from "../../../../lib/config/load.ts";
import { memorySource } from "../../../helpers/memory_source.ts";

/** The long flags of `deno run`, and its letters, by whether they stand under "Permission options". */
async function flagsOfDeno() {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--help=full"],
    env: { NO_COLOR: "1" },
  }).output();
  const found = { permissions: new Set<string>(), others: new Set<string>() };
  let section: keyof typeof found = "others";
  for (const line of new TextDecoder().decode(stdout).split("\n")) {
    if (/^\S.*:$/.test(line)) {
      section = /^Permission options/i.test(line) ? "permissions" : "others";
    }
    const match = /^ {1,8}(?:(-[A-Za-z]), )?(--[a-z0-9-]+)(?=[ =[]|$)/.exec(line);
    for (const flag of match?.slice(1) ?? []) if (flag !== undefined) found[section].add(flag);
  }
  return found;
}

Deno.test("isPermissionFlag() is true for each permission of this Deno, and for nothing else", async () => {
  const { permissions, others } = await flagsOfDeno();
  for (const flag of ["-A", "-P", "--allow-net", "--deny-import", "--ignore-read"]) {
    assert(permissions.has(flag), flag);
  }
  assert(others.has("--allow-scripts") && others.has("--watch"), [...others].join(" "));
  // It says how what is missing is asked for, and gives nothing.
  permissions.delete("--no-prompt");
  for (const flag of permissions) {
    for (const form of [flag, `${flag}=x`]) assert(isPermissionFlag(form), form);
  }
  for (const flag of others) {
    for (const form of [flag, `${flag}=x`]) assert(!isPermissionFlag(form), form);
  }
  // The help does not have them.
  const unstable =
    "bare-node-builtins broadcast-channel bundle byonm cron detect-cjs ffi fs http kv " +
    "lazy-dynamic-imports net no-legacy-abort node-globals npm-lazy-caching otel process raw-imports " +
    "sloppy-imports temporal tsgo unsafe-proto vsock webgpu worker-options";
  for (const flag of unstable.split(" ")) assert(!isPermissionFlag(`--unstable-${flag}`), flag);
});

Deno.test("permissionFlags() reads letters that stand together as Deno does", () => {
  const read = (flag: string) =>
    permissionFlags(flag).map(({ name, value }) => value === null ? name : `${name}=${value}`);
  assertEquals(read("-RN"), ["--allow-read", "--allow-net"]);
  assertEquals(read("-RNE"), ["--allow-read", "--allow-net", "--allow-env"]);
  assertEquals(read("-NR=/etc"), ["--allow-net", "--allow-read=/etc"]);
  assertEquals(read("-R/etc"), ["--allow-read=/etc"]);
  assertEquals(read("-qRr"), ["--allow-read"]);
  assertEquals(read("-Rc"), ["--allow-read"]);
  assertEquals(read("-RLinfo"), ["--allow-read"]);
  assertEquals(read("-A"), ["--allow-all"]);
  assertEquals(read("-P=web"), ["--permission-set=web"]);
  for (const flag of ["-c=RN.json", "-LN", "-r", "-q", "--allow-scripts=npm:x", "--allow-hrtime"]) {
    assertEquals(read(flag), [], flag);
  }
  assertEquals(namedSet(["-R", "-P"]), "default");
  assertEquals(namedSet(["--permission-set=web"]), "web");
  assertEquals(namedSet(["-A"]), null);
});

/** What is said of these flags, for so many workers. */
function told(flags: readonly string[], processes = 2): string[] {
  const lines = flags.map((flag) => `deno-flag = ${flag}\n`).join("");
  const ini = "[uwsgi]\nhttp-socket = :0\ndeno-worker-override = app.ts\n" +
    `processes = ${processes}\n${lines}`;
  return loadConfig(["app.ini"], memorySource({ files: { "app.ini": ini } })).problems.map((
    { severity, message },
  ) => `${severity}: ${message}`);
}

Deno.test("flags with which a worker cannot be replaced, or not all can start, are one line each", () => {
  assertEquals(told(["--v8-flags=--expose-gc", "--watch", "--unstable-kv"]), [
    'error: "deno-flag" at app.ini:6 has --watch, which restarts scripts behind the master\'s back: ' +
    "use auto-reload = true",
  ]);
  assertEquals(told(["--watch-hmr=a.ts"]).length, 1);
  assertEquals(told(["--inspect=127.0.0.1:9229"]), [
    'error: "deno-flag" at app.ini:5 has --inspect=127.0.0.1:9229, but only one of 2 workers could ' +
    "have that port: use --inspect=127.0.0.1:0, or processes = 1",
  ]);
  assertEquals(told(["--inspect"]).length, 1);
  assertEquals(told(["--inspect-brk=9000"], 1), [
    'warning: "deno-flag" at app.ini:5 has --inspect-brk=9000: a reload fails while the old worker has ' +
    "that port, --inspect-brk=127.0.0.1:0 does not",
  ]);
  assertEquals(told(["--inspect=127.0.0.1:0", "--inspect=0", "--inspect-publish-uid=http"]), []);
});
