/**
 * Fuzzes INI files, made by changing those of the golden cases: no exception, messages of one line, and
 * a configuration that was read is read again from what `--show-config` writes of it.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { loadConfig } from "../../../lib/config/load.ts";
import { showConfig } from "../../../lib/config/show_config.ts";
import { printable } from "../../../lib/foreign_text.ts";
import { memorySource } from "../../helpers/memory_source.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import type { Random } from "../random.ts";

const FOLDER = new URL("../../golden/config/", import.meta.url);

/** The INI files of all cases. */
const TEXTS: readonly Uint8Array[] = [...Deno.readDirSync(FOLDER)].sort((a, b) =>
  a.name < b.name ? -1 : 1
).flatMap(({ name }) => {
  const [, ...parts] = Deno.readTextFileSync(new URL(name, FOLDER)).split(/^==> /m);
  return parts.filter((part) => /^\S+\.ini\b/.test(part))
    .map((part) => new TextEncoder().encode(part.slice(part.indexOf("\n") + 1)));
});

export const target: FuzzTarget = {
  name: "ini",
  run(random: Random, rounds: number) {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    for (let round = 0; round < rounds; round++) {
      const text = () => decoder.decode(random.mutate(random.pick(TEXTS)));
      const files = { "app.ini": text(), "b.ini": text(), "app.ts": "" };
      const loaded = loadConfig(["app.ini"], memorySource({ files }));
      for (const { message } of loaded.problems) {
        assertEquals(printable(message), message);
        assert(message.length < 5000, message);
      }
      if (loaded.config === null) continue;
      const shown = showConfig(loaded);
      const again = loadConfig(["app.ini"], memorySource({ files: { "app.ini": shown } }));
      assertEquals(showConfig(again), shown);
      assert(again.config !== null, shown);
    }
  },
};
