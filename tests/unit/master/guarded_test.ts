/** The one road of errors in what a master does. */
import { assertEquals } from "@std/assert";
import { guarded } from "../../../lib/master/guarded.ts";
import { existingDirectory } from "../../../lib/master/process/working_directory.ts";
import { TempDirectory } from "../../helpers/temp_directory.ts";

Deno.test("guarded() tells whoever waits why something failed, at once or later, and throws nothing", async () => {
  const told: string[] = [];
  const tell = (reason: string) => told.push(reason);
  guarded("do it", () => 1, tell);
  guarded("do it", () => Promise.resolve(1), tell);
  guarded("do it", () => {
    throw new Error("at once");
  }, tell);
  assertEquals(told, ["at once"]);
  guarded("do it", () => Promise.reject(new Error("later")), tell);
  guarded("do it", () => Promise.reject("no error at all"), tell);
  guarded("do it", () => Promise.reject(new Error("nobody waits")));
  await Promise.resolve();
  assertEquals(told, ["at once", "later", "no error at all"]);
});

Deno.test("existingDirectory() takes the first that is there, else the root", () => {
  using directory = new TempDirectory();
  const file = directory.write("file", "");
  const gone = directory.at("gone");
  assertEquals(existingDirectory(gone, file, `${file}/below`, directory.path), directory.path);
  assertEquals(existingDirectory(gone), "/");
});
