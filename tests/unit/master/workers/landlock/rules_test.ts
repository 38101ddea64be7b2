/** What Landlock is to allow, decided from permissions and from what is there. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  type AccessFacts,
  type Granted,
  landlockRules,
  type PathKind,
} from "../../../../../lib/master/workers/landlock/rules.ts";

const NOTHING: Granted = {
  net: [],
  read: [],
  write: [],
  env: [],
  run: [],
  sys: [],
  ffi: [],
  import: [],
};

const FACTS: AccessFacts = {
  cwd: "/srv/app",
  programs: ["/opt/deno/bin/deno", "/lib64/ld-linux.so.2"],
  libraries: ["/opt/deno/lib"],
  cache: "/home/app/.cache/deno",
  folders: ["/srv/app"],
  files: ["/srv/deno.json"],
  texts: [],
  master: "/tmp/duwsgi-1",
  log: null,
  connects: false,
  listens: false,
};

/** What is there: a path ends with a slash if it is a directory, and with `>` and a path if it is a link. */
function look(...there: readonly string[]): (path: string) => PathKind | null {
  const places = new Map<string, PathKind>();
  for (const one of ["/", ...there]) {
    const [path = "", real = path] = one.split(">");
    const clean = (text: string) => text === "/" ? "/" : text.replace(/\/$/, "");
    places.set(clean(path), {
      real: clean(real),
      kind: real.endsWith("/") ? "directory" : "file",
    });
  }
  return (path) => places.get(path) ?? null;
}

/** The rights of each path, as one text. */
function rightsFor(
  granted: Partial<Granted>,
  see: (path: string) => PathKind | null,
  facts: Partial<AccessFacts> = {},
): Record<string, string> {
  const { rules } = landlockRules({ ...NOTHING, ...granted }, { ...FACTS, ...facts }, see);
  return Object.fromEntries(rules?.paths.map(({ path, rights }) => [path, rights.join(" ")]) ?? []);
}

const READ = "readFile readDirectory controlDevice";

Deno.test("landlockRules() allows a directory, and of a file the directory around it", () => {
  const see = look("/data/", "/etc/app/", "/etc/app/one.json");
  const rights = rightsFor({ read: ["/data", "/etc/app/one.json"] }, see);
  assertEquals(rights, { "/data": READ, "/etc/app": READ });
});

Deno.test("landlockRules() allows both ends of a link to a file, so that the link may be replaced", () => {
  const see = look("/etc/app/", "/etc/app/one.json>/etc/app/..1/one.json", "/etc/app/..1/");
  assertEquals(rightsFor({ read: ["/etc/app/one.json"] }, see), {
    "/etc/app": READ,
    "/etc/app/..1": READ,
  });
});

Deno.test("landlockRules() allows what is not there yet by the nearest directory, from the working directory", () => {
  const see = look("/srv/app/");
  assertEquals(rightsFor({ read: ["uploads/new,,one"] }, see, { folders: [] }), {
    "/srv/app": READ,
  });
  const { notes } = landlockRules({ ...NOTHING, read: ["/gone/data"] }, FACTS, see);
  assertMatch(notes.join(), /^allow-read = \/gone\/data is not there/);
});

Deno.test("landlockRules() lets nobody write that may only read, and nobody make links or devices", () => {
  const see = look("/data/", "/out/");
  const { "/data": data = "", "/out": out = "" } = rightsFor(
    { read: ["/data"], write: ["/out"] },
    see,
  );
  assertEquals(data, READ);
  assert(!/readFile|execute|makeLink|makeFifo|make\w+Device/.test(out), out);
  assertMatch(out, /writeFile.*makeFile.*removeFile.*refer/);
});

Deno.test("landlockRules() allows everything of what is allowed altogether", () => {
  const { "/": all = "" } = rightsFor({ read: true, write: true }, look());
  assertMatch(all, /readFile.*writeFile.*makeLink/);
  assert(!all.includes("execute"));
});

Deno.test("landlockRules() gives Deno its program, the script's folders and its cache, but not to write", () => {
  const see = look(
    "/opt/deno/bin/deno",
    "/opt/deno/lib/",
    "/home/app/.cache/deno/",
    "/srv/app/",
    "/srv/deno.json",
    "/tmp/",
    "/tmp/duwsgi-1/",
    "/tmp/duwsgi-1/sandbox.lock",
    "/etc/",
    "/etc/hosts",
  );
  const rights = rightsFor({}, see);
  assertEquals(rights, {
    "/etc/hosts": READ,
    "/home/app/.cache/deno": READ,
    "/opt/deno/bin/deno": "execute readFile",
    "/opt/deno/lib": READ,
    "/srv/app": READ,
    "/srv/deno.json": READ,
    "/tmp": "removeDirectory",
    "/tmp/duwsgi-1": `${READ} makeSocket removeFile removeDirectory`,
    "/tmp/duwsgi-1/sandbox.lock": "readFile writeFile",
  });
});

Deno.test("landlockRules() lets a log be opened again, and follows a resolv.conf that is a link", () => {
  const see = look("/var/log/", "/etc/resolv.conf>/run/resolve/stub.conf", "/run/resolve/");
  const rights = rightsFor({}, see, { log: "/var/log/app.log" });
  assertEquals(rights["/var/log"], "writeFile");
  assertEquals(rights["/run/resolve"], READ);
  assertEquals(rightsFor({}, look("/etc/resolv.conf", "/etc/"))["/etc"], undefined);
});

Deno.test("landlockRules() refuses nothing to who may start programs or call libraries", () => {
  for (const granted of [{ run: ["git"] }, { run: true }, { ffi: true }] as const) {
    const { rules, why } = landlockRules({ ...NOTHING, ...granted }, FACTS, look());
    assertEquals(rules, null);
    assertMatch(why, /^allow-(run|ffi) gives all rights of the user$/);
  }
});

Deno.test("landlockRules() tells of a text that is imported and not allowed", () => {
  const see = look("/srv/app/", "/texts/");
  const notes = (granted: Partial<Granted>) =>
    landlockRules({ ...NOTHING, ...granted }, { ...FACTS, texts: ["/texts/one"] }, see).notes;
  assertMatch(notes({}).join(), /^Landlock refuses the import of \/texts\/one: /);
  assertEquals(notes({ read: ["/texts"] }), []);
  assertEquals(notes({ write: ["/texts"] }).length, 1);
});

Deno.test("landlockRules() knows the ports of hosts, and allows all where one has none", () => {
  const ports = (granted: Partial<Granted>, facts: Partial<AccessFacts> = {}) => {
    const { rules } = landlockRules({ ...NOTHING, ...granted }, { ...FACTS, ...facts }, look());
    return [rules?.bind, rules?.connect, rules?.abstractSockets];
  };
  assertEquals(ports({}), [[0], [], false]);
  assertEquals(ports({ net: true }), [null, null, true]);
  assertEquals(ports({ net: ["db:5432", "[::1]:80", "unix:/run/db.sock"] }), [
    [0, 5432, 80],
    [53, 5432, 80],
    true,
  ]);
  for (const host of ["db", "*.example.com", "[::1]", "::1", "10.0.0.0/8", "db:port", "db:99999"]) {
    assertEquals(ports({ net: ["db:5432", host] }), [null, null, false], host);
  }
  assertEquals(ports({ net: ["db:5432"] }, { connects: true }), [[0, 5432], null, false]);
  assertEquals(ports({ import: ["esm.sh:443"] }), [[0], null, false]);
  assertEquals(ports({}, { listens: true }), [null, [], false]);
});
