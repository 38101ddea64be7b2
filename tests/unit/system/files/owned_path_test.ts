/** Paths that this process made, and takes away again. */
import { assertEquals, assertThrows } from "@std/assert";
import { libc } from "../../../../lib/system/libc.ts";
import {
  exists,
  ownPath,
  removeOwned,
  removeUseless,
  stateOfOwned,
} from "../../../../lib/system/files/owned_path.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

// Opened here, because it stays open: a test that opened it would seem to leak it.
libc();

Deno.test("removeOwned() removes what is still the same, and nothing the second time", () => {
  using directory = new TempDirectory();
  const owned = ownPath(directory.write("f"));
  removeOwned(owned);
  assertEquals(directory.names, []);
  removeOwned(owned);
});

Deno.test("removeOwned() leaves what somebody else has put there", () => {
  using directory = new TempDirectory();
  const owned = ownPath(directory.write("f", "mine"));
  directory.write("other", "not mine");
  Deno.renameSync(directory.at("other"), directory.at("f"));
  removeOwned(owned);
  assertEquals(directory.names, ["f"]);
});

Deno.test("stateOfOwned() tells what has become of it, and throws when its directory is gone", () => {
  using directory = new TempDirectory();
  const owned = ownPath(directory.write("d/f", "mine"));
  assertEquals(stateOfOwned(owned), "ours");
  directory.write("d/other", "not mine");
  Deno.renameSync(directory.at("d/other"), directory.at("d/f"));
  assertEquals(stateOfOwned(owned), "foreign");
  Deno.removeSync(directory.at("d/f"));
  assertEquals(stateOfOwned(owned), "gone");
  Deno.removeSync(directory.at("d"));
  assertThrows(() => stateOfOwned(owned));
});

Deno.test("removeUseless() removes a file, and nothing happens when it cannot", () => {
  using directory = new TempDirectory();
  directory.write("file", "");
  for (let i = 0; i < 2; i++) removeUseless(directory.at("file"));
  assertEquals(exists(directory.at("file")), false);
  directory.write("full/file", "");
  removeUseless(directory.at("full"));
  assertEquals(exists(directory.at("full/file")), true);
});
