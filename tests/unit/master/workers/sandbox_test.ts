/** The flags of workers that may do only what the configuration says. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Config } from "../../../../lib/config/config.ts";
import { defaults } from "../../../../lib/config/resolve.ts";
import {
  refuseOwnImports,
  type Sandbox,
  sandbox,
  SYS_NAMES,
} from "../../../../lib/master/workers/sandbox.ts";
import { libc } from "../../../../lib/system/libc.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

const DIR = "/run/duwsgi-1";

// What looks for walls opens the C library, for good.
libc();

function made(config: Partial<Config>, configFile: string | null = null): Sandbox {
  return sandbox({ ...defaults(), ...config }, DIR, configFile);
}

/** The flags, what only duwsgi needs cut short. */
function flags(config: Partial<Config>, configFile: string | null = null): readonly string[] {
  const { flags } = made(config, configFile);
  return flags.map((flag) => flag.replace(/127\.0\.0\.1:0,unix:.*\.sock/, "OURS"));
}

const NOTHING = [
  "--no-prompt",
  "--no-code-cache",
  "--allow-net=OURS",
  `--allow-read=${DIR}`,
  `--allow-write=${DIR}`,
  "--allow-env=DUWSGI_WORKER",
  "--allow-ffi",
  "--allow-import=127.0.0.1:0",
  "--cached-only",
];

Deno.test("sandbox() gives what duwsgi needs, and has all of it given back", () => {
  assertEquals(flags({ allowNet: [] }), NOTHING);
  assertEquals(flags({ denyRun: true }), NOTHING);
  const { plan } = made({ allowNet: [] });
  assertEquals(plan.revoke.filter(({ name }) => name !== "net"), [
    { name: "read", path: DIR },
    { name: "write", path: DIR },
    { name: "env", variable: "DUWSGI_WORKER" },
    { name: "ffi" },
  ]);
  const hosts = plan.revoke.flatMap((one) => one.name === "net" ? [one.host] : []);
  assertEquals(hosts.slice(0, 2), ["127.0.0.1:0", `unix:${DIR}/control.sock`]);
  assertEquals(hosts.slice(2), plan.throwaways.map((path) => `unix:${path}`));
});

Deno.test("sandbox() adds lists to what it needs, and gives back nothing that the script may do", () => {
  const own = { allowNet: ["db:5432", "127.0.0.1:0"], allowEnv: ["HOME"] };
  const both = flags(own);
  assertEquals(both[2], "--allow-net=db:5432,OURS");
  assert(both.includes("--allow-env=HOME,DUWSGI_WORKER"));
  const { revoke } = made(own).plan;
  assert(!revoke.some((one) => one.name === "net" && one.host === "127.0.0.1:0"));
  const whole = made({ allowNet: true, allowRead: true, allowFfi: true, allowImport: true });
  assertEquals(whole.flags, [
    "--no-prompt",
    "--no-code-cache",
    "--allow-net",
    "--allow-read",
    `--allow-write=${DIR}`,
    "--allow-env=DUWSGI_WORKER",
    "--allow-ffi",
    "--allow-import",
  ]);
  assertEquals(whole.plan.revoke.map(({ name }) => name), ["write", "env"]);
});

Deno.test("sandbox() denies a part of what is allowed, and needs no flag to deny all", () => {
  assert(flags({ allowRead: true, denyRead: ["/etc"] }).includes("--deny-read=/etc"));
  assertEquals(flags({ allowRead: true, denyRead: true }), NOTHING);
  assertEquals(flags({ denyRead: ["/etc"] }), NOTHING);
});

Deno.test("sandbox() says when what is denied leaves no way to the master", () => {
  const error = assertThrows(() => made({ allowRead: true, denyRead: ["/run"] }), Error);
  assert(error.message.includes("deny-read = /run covers /run/duwsgi-1"));
  made({ allowRead: true, denyRead: ["/run/duwsgi"] });
});

Deno.test("sandbox() reads a permission set, and options count more than it", () => {
  using directory = new TempDirectory();
  directory.write(
    "deno.json",
    JSON.stringify({
      permissions: {
        default: { read: ["./data", "/a,b"], env: true },
        web: { all: true, ffi: false, net: { allow: true, deny: ["10.0.0.1"] } },
        bad: { ffi: ["/x.so"] },
        odd: { read: { allow: true, ignore: ["/x"] } },
      },
    }),
  );
  const file = directory.at("deno.json");
  const own = (config: Partial<Config>) => flags(config, file);
  const reads = `--allow-read=${directory.at("data")},/a,,b,${DIR}`;
  assert(own({ permissionSet: "default" }).includes(reads));
  assert(own({ permissionSet: "default" }).includes("--allow-env"));
  assert(own({ permissionSet: "default", allowEnv: [] }).includes("--allow-env=DUWSGI_WORKER"));
  const web = own({ permissionSet: "web" });
  for (const flag of ["--allow-net", "--deny-net=10.0.0.1", "--allow-run", "--allow-ffi"]) {
    assert(web.includes(flag), flag);
  }
  assertEquals(made({ permissionSet: "web" }, file).plan.revoke, [{ name: "ffi" }]);
  assertThrows(() => own({ permissionSet: "bad" }), Error, '"ffi"');
  assertThrows(() => own({ permissionSet: "odd" }), Error, '"ignore"');
  assertThrows(() => own({ permissionSet: "toString" }), Error, 'it has "default", "web"');
  assertThrows(() => made({ permissionSet: "web" }), Error, "needs a deno.json");
});

Deno.test("a sandbox has no import map that leads duwsgi's own imports elsewhere", () => {
  const own = "file:///opt/duwsgi/lib/";
  const check = (key: string) =>
    refuseOwnImports({ imports: { [key]: "file:///x.ts" }, scopes: {} }, own);
  check("uwsgi");
  check("file:///opt/other/");
  check("file:///opt/duwsgi/library/");
  for (
    const key of ["node:http", `${own}system/libc.ts`, own, "file:///opt/", "file:///"]
  ) assertThrows(() => check(key), Error, `"${key}"`);
  const scopes = { "file:///opt/": { "node:fs": "file:///x.ts" } };
  assertThrows(() => refuseOwnImports({ imports: {}, scopes }, own), Error, '"node:fs"');
});

Deno.test("allow-sys without a list is a list of all names but inspector, in permission sets too", () => {
  const all = `--allow-sys=${SYS_NAMES.join(",")}`;
  assert(flags({ allowSys: true }).includes(all));
  using directory = new TempDirectory();
  directory.write("deno.json", `{ "permissions": { "a": { "all": true }, "b": { "sys": true } } }`);
  for (const permissionSet of ["a", "b"]) {
    assert(flags({ permissionSet }, directory.at("deno.json")).includes(all));
  }
  assertThrows(() => made({ allowSys: ["hostname", "inspector"] }), Error, "allow-sys = inspector");
  directory.write("deno.json", `{ "permissions": { "c": { "sys": ["inspector"] } } }`);
  const set = () => made({ permissionSet: "c" }, directory.at("deno.json"));
  assertThrows(set, Error, "allow-sys = inspector");
});

Deno.test("the names of allow-sys are those that Deno's flag takes", async () => {
  using directory = new TempDirectory();
  const script = directory.write("nothing.js");
  const takes = async (names: readonly string[]) => {
    const args = ["run", "--quiet", "--no-prompt", `--allow-sys=${names.join(",")}`, script];
    return (await new Deno.Command(Deno.execPath(), { args, stderr: "null" }).output()).success;
  };
  assert(await takes(SYS_NAMES));
  // Names that Deno has had or asks for, and functions of node:os and node:process.
  const others = [
    "inspector",
    "osInfo",
    "umask",
    "setuid",
    "setgid",
    "seteuid",
    "setegid",
    "getuid",
  ];
  for (
    const name of [...others, "getgid", "geteuid", "getgroups", "freemem", "uptime", "version"]
  ) {
    assertEquals([name, await takes([name])], [name, false]);
  }
});

Deno.test("paths of the sandbox are compared as the kernel resolves them", () => {
  using directory = new TempDirectory();
  directory.write("own/file", "");
  Deno.symlinkSync(directory.at("own"), directory.at("alias"));
  const own = directory.at("own/duwsgi-1");
  const start = (config: Partial<Config>) => sandbox({ ...defaults(), ...config }, own, null);
  for (
    const path of ["alias", "own", "own/duwsgi-1", "own/duwsgi-1/deeper", "alias/duwsgi-1", "."]
  ) {
    for (const option of ["allowRead", "allowWrite"] as const) {
      assertThrows(() => start({ [option]: [directory.at(path)] }), Error, "covers", path);
    }
    if (path.endsWith("deeper")) continue;
    assertThrows(
      () => start({ allowRead: true, denyRead: [directory.at(path)] }),
      Error,
      "covers",
    );
  }
  start({ allowRead: [directory.at("own/file"), directory.at("alias/duwsgi-10")] });
});
