import { assertEquals } from "@std/assert";
import { forHostProcess } from "../../../lib/api/host_process.ts";
import { loadConfig } from "../../../lib/config/load.ts";
import { loadGrammars } from "../../../lib/config/kinds/line_reader.ts";
import { captureBase, denoConfigSource } from "../../../lib/instance/config_source.ts";

await loadGrammars();

function refused(...args: readonly string[]): string[] {
  const source = denoConfigSource(captureBase(), false);
  const loaded = loadConfig(["--socket=:0", "--worker-override=app.ts", ...args], source);
  assertEquals(loaded.problems, []);
  const { config, problems } = forHostProcess(loaded, "/srv/app");
  assertEquals(config === null, problems.length > 0);
  return problems.map(({ message }) => message.replace(/^Cannot do what ([\w-]+) .*/, "$1"));
}

Deno.test("what only concerns workers and sockets is not refused", () => {
  assertEquals(refused("--processes=2", "--env=A=1", "--hook-as-user=mkdir:/tmp/x"), []);
  assertEquals(refused("--chdir=/srv/app"), []);
});

Deno.test("what would change the whole process is refused, each option once", () => {
  assertEquals(refused("--chdir=/srv"), ["chdir"]);
  assertEquals(refused("--umask=027", "--pidfile=a.pid"), ["umask", "pidfile"]);
  assertEquals(refused("--daemonize=a.log"), ["daemonize"]);
  assertEquals(refused("--logto=a.log"), ["logto"]);
  assertEquals(refused("--hook-asap=cd:/srv", "--hook-as-user=exit"), [
    ...["hook-asap", "hook-as-user"],
  ]);
});
