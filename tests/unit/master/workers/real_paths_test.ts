import { assertEquals } from "@std/assert";
import { defaults } from "../../../../lib/config/resolve.ts";
import { withRealPaths } from "../../../../lib/master/workers/real_paths.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

Deno.test("withRealPaths() adds what links lead to, to options and to flags", () => {
  using directory = new TempDirectory();
  Deno.mkdirSync(directory.at("releases/1"), { recursive: true });
  Deno.symlinkSync("releases/1", directory.at("current"));
  const link = directory.at("current");
  const real = Deno.realPathSync(directory.at("releases/1"));
  const { allowRead, denyWrite, allowWrite, denoFlags } = withRealPaths({
    ...defaults(),
    allowRead: [`${link}/data`, "/etc"],
    allowWrite: true,
    denyWrite: [link],
    denoFlags: [`-R=${link},/etc`, "--allow-net=a", `--deny-read=${link}/x`, "-W"],
  });
  assertEquals(allowRead, [`${link}/data`, "/etc", `${real}/data`]);
  assertEquals(allowWrite, true);
  assertEquals(denyWrite, [link, real]);
  assertEquals(denoFlags.slice(4), [`--allow-read=${real}`, `--deny-read=${real}/x`]);
});
