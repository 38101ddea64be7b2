/** Options that say what workers may do. */
import { assertEquals, assertThrows } from "@std/assert";
import { type Config } from "../../../lib/config/config.ts";
import { OPTIONS } from "../../../lib/config/options.ts";
import { isSandboxed, type Permission } from "../../../lib/config/options/permissions.ts";
import { Problems } from "../../../lib/config/problem.ts";
import { defaults } from "../../../lib/config/resolve.ts";
import { checkPermissions } from "../../../lib/config/checks/permission_rules.ts";

const origin = { file: "app.ini", line: 3 };

function read(key: "allowRead" | "allowFfi", ...values: (string | null)[]): Permission {
  const { kind, name } = OPTIONS[key];
  return values.reduce<Permission>(
    (before, value) => kind.add(before, { name, value, origin }),
    null,
  );
}

Deno.test("a permission is all of its kind, nothing, or a list that grows", () => {
  assertEquals(read("allowRead"), null);
  assertEquals(read("allowRead", null), true);
  assertEquals(read("allowRead", ""), true);
  assertEquals(read("allowRead", "true"), true);
  assertEquals(read("allowRead", "false"), []);
  assertEquals(read("allowRead", "/a, /b", "/c,,d"), ["/a", "/b", "/c,,d"]);
  assertEquals(read("allowRead", "/a", "true", "/b"), true);
  assertEquals(read("allowRead", "true", "false", "/b"), ["/b"]);
});

Deno.test("a list with nothing between two commas is a mistake, and so is one of libraries", () => {
  const messageOf = (act: () => unknown) => {
    try {
      return String(act());
    } catch (error) {
      return error instanceof SyntaxError ? error.message : "";
    }
  };
  assertEquals(
    messageOf(() => read("allowRead", "/a, ")),
    'expects names with a comma between two of them, not "/a, "',
  );
  assertEquals(
    messageOf(() => read("allowFfi", "/x.so")),
    'expects true or false, not "/x.so": who may call one library may do everything',
  );
});

Deno.test("sandbox-walls names walls, and says whether they are required", () => {
  const { kind, name, default: before } = OPTIONS.sandboxWalls;
  const wallsOf = (value: string) => kind.add(before, { name, value, origin });
  assertEquals(wallsOf("all"), { walls: ["seccomp", "landlock"], required: false });
  assertEquals(wallsOf("landlock, required"), { walls: ["landlock"], required: true });
  assertEquals(wallsOf("landlock,seccomp"), { walls: ["seccomp", "landlock"], required: false });
  assertEquals(wallsOf("none"), { walls: [], required: false });
  for (const wrong of ["", "required", "all,none", "none,seccomp", "selinux", "all,,required"]) {
    assertThrows(() => wallsOf(wrong), SyntaxError, "expects all, none, or some of");
  }
});

Deno.test("each of the options makes a sandbox, worker-control does not", () => {
  assertEquals(isSandboxed(defaults()), false);
  assertEquals(isSandboxed({ ...defaults(), workerControl: false }), false);
  assertEquals(isSandboxed({ ...defaults(), permissionSet: "web" }), true);
  assertEquals(isSandboxed({ ...defaults(), allowNet: [] }), true);
  assertEquals(isSandboxed({ ...defaults(), denyRun: true }), true);
});

Deno.test("permissions are said by options or by deno-flag, not by both", () => {
  const told = (config: Partial<Config>) => {
    const problems = new Problems();
    const find = (key: keyof Config) =>
      key in config
        ? { key: OPTIONS[key].name, value: "x", origin, placeholder: false, matched: null }
        : undefined;
    checkPermissions({ ...defaults(), ...config }, find, problems);
    return problems.sorted([]).map(({ message }) => message);
  };
  assertEquals(told({ allowNet: true, denoFlags: ["--v8-flags=-x"] }), []);
  assertEquals(told({ denoFlags: ["-A"] }), []);
  assertEquals(told({ allowNet: true, denoFlags: ["--allow-read=/a"] }), [
    '"allow-net" at app.ini:3 contradicts deno-flag = --allow-read=/a at app.ini:3: say all ' +
    "permissions in one of the two ways",
  ]);
});
