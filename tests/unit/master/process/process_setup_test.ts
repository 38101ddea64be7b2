/** Pidfiles over the phases of a start; what changes the process for good is for process tests. */
import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../../../lib/errors.ts";
import type { Config } from "../../../../lib/config/config.ts";
import { defaults } from "../../../../lib/config/resolve.ts";
import { Listeners } from "../../../../lib/master/sockets/listeners.ts";
import { ProcessSetup } from "../../../../lib/master/process/process_setup.ts";
import { requireLibc } from "../../../../lib/system/libc.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

const c = requireLibc();
const OWN = `${Deno.pid}\n`;

async function start(config: Partial<Config>): Promise<ProcessSetup> {
  const setup = ProcessSetup.begin({ ...defaults(), ...config }, (key) => key, null);
  await setup.afterBind(await Listeners.open(c, { ...defaults(), ...config }));
  return setup;
}

Deno.test("ProcessSetup writes each pidfile in its phase, and removes them with vacuum only", async () => {
  using directory = new TempDirectory();
  const setup = await start({
    pidfile: directory.at("a"),
    pidfile2: directory.at("b"),
    safePidfile: directory.at("c"),
    safePidfile2: directory.at("d"),
  });
  assertEquals(directory.names, ["a", "b"]);
  setup.opened(directory.path);
  assertEquals(directory.names, ["a", "b"]);
  setup.ready();
  assertEquals(directory.names, ["a", "b", "c", "d"]);
  for (const name of directory.names) {
    assertEquals(Deno.readTextFileSync(directory.at(name)), OWN);
  }
  setup.exit(false);
  assertEquals(directory.names.length, 4);
  setup.exit(true);
  assertEquals(directory.names, []);
});

Deno.test("rewritePidfiles() brings back what was lost, and only what was written before", async () => {
  using directory = new TempDirectory();
  const setup = await start({ pidfile: directory.at("a"), safePidfile: directory.at("c") });
  Deno.removeSync(directory.at("a"));
  setup.rewritePidfiles();
  assertEquals(directory.names, ["a"]);
  setup.ready();
  Deno.writeTextFileSync(directory.at("a"), "");
  Deno.removeSync(directory.at("c"));
  setup.rewritePidfiles();
  assertEquals(directory.names, ["a", "c"]);
  assertEquals(Deno.readTextFileSync(directory.at("a")), OWN);
  // Somebody else's is not taken away.
  Deno.writeTextFileSync(directory.at("c"), "1\n");
  setup.rewritePidfiles();
  assertEquals(Deno.readTextFileSync(directory.at("c")), "1\n");
  setup.exit(true);
  assertEquals(directory.names, ["c"]);
});

Deno.test("ProcessSetup.abort() takes back what was written", async () => {
  using directory = new TempDirectory();
  const setup = await start({ pidfile: directory.at("a"), safePidfile: directory.at("c") });
  setup.abort(new Error("no"));
  assertEquals(directory.names, []);
});

Deno.test("ProcessSetup.begin() throws UserError, when a living process owns any pidfile", () => {
  using directory = new TempDirectory();
  const path = directory.write("a", "1\n");
  for (const key of ["pidfile", "pidfile2", "safePidfile", "safePidfile2"]) {
    const config = { ...defaults(), [key]: path };
    const error = assertThrows(() => ProcessSetup.begin(config, (one) => one, null), UserError);
    assertEquals((error as UserError).exit, "pidfile", key);
  }
});
