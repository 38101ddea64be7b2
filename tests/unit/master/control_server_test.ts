/** The socket on which workers call. */
import { assertEquals } from "@std/assert";
import { ControlServer } from "../../../lib/master/control_server.ts";
import { TempDirectory } from "../../helpers/temp_directory.ts";

Deno.test("ControlServer takes a directory over with its folders, and without what was for workers", async () => {
  using directory = new TempDirectory();
  Deno.mkdirSync(`${directory.path}/cache/deep`, { recursive: true });
  for (const name of ["control.sock", "facts_1.json"]) {
    Deno.writeTextFileSync(`${directory.path}/${name}`, "");
  }
  const server = new ControlServer(directory.path);
  const names = [...Deno.readDirSync(directory.path)].map(({ name }) => name).sort();
  assertEquals(names, ["cache", "control.sock"]);
  server.close();
  // The temporary directory expects to remove itself.
  Deno.mkdirSync(directory.path);
  await Promise.resolve();
});
