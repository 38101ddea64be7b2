/** Paths that this process made, and takes away again. */
import { assertEquals } from "@std/assert";
import { ownPath, removeOwned } from "../../../lib/system/owned_path.ts";
import { TempDirectory } from "../../helpers/temp_directory.ts";

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
