/** Frameworks from npm, as they are: the apps in examples/frameworks. */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path/posix";
import type { LoadMix } from "../helpers/load.ts";
import { MAIN } from "../helpers/program.ts";
import { reloadUnderLoad } from "../helpers/reload_load.ts";
import { readyMaster } from "../helpers/running_master.ts";

const FRAMEWORKS = fromFileUrl(new URL("../../examples/frameworks/", import.meta.url));
const HTTP: LoadMix = { "close": 2, "keep-alive": 2, "idle": 2 };

/** A site of Astro has to be built before it can be served. */
const NAMES = [...Deno.readDirSync(FRAMEWORKS)]
  .filter(({ isDirectory, name }) => isDirectory && name !== "astro")
  .map(({ name }) => name).sort();

for (const name of NAMES) {
  Deno.test(`the example ${name} is reloaded under load without loss`, async () => {
    const { master, addresses: [address = ""] } = await readyMaster({
      ini: `chdir = ${FRAMEWORKS}${name}
http-socket = 127.0.0.1:0
processes = 2
worker-reload-mercy = 20
chain-reload-verify = 0.1
touch-chain-reload = %DIR%/reload
deno-worker-override = app.ts`,
    });
    await using running = master;
    const mix: LoadMix = name === "ws" ? { websocket: 8 } : HTTP;
    const pids = await reloadUnderLoad(running, address, mix, 1);
    assert(name === "ws" || pids.size > 2, `only ${pids.size} workers have answered`);
    assertEquals(await running.stop(), 0);
  });
}

Deno.test("the framework examples have types and configurations without a mistake", async () => {
  const run = (args: readonly string[], cwd: string) =>
    new Deno.Command(Deno.execPath(), { args: [...args], cwd }).output();
  await Promise.all(NAMES.map(async (name) => {
    const cwd = FRAMEWORKS + name;
    const outputs = [
      await run(["check", "--quiet", "app.ts"], cwd),
      await run(["run", "-A", MAIN, "--check", "--ini", "app.ini"], cwd),
    ];
    for (const { code, stderr } of outputs) {
      assertEquals([name, code, new TextDecoder().decode(stderr)], [name, 0, ""]);
    }
  }));
});
