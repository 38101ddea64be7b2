import { assertEquals } from "@std/assert";
import {
  argumentsBeforeOwn,
  isBinary,
  scriptModule,
  takeScript,
  whyNotInBinary,
} from "../../../../lib/system/process/standalone.ts";

Deno.test("a compiled program takes its own arguments first, one that Deno runs does not", () => {
  const url = "file:///opt/duwsgi/binary.ts";
  assertEquals(argumentsBeforeOwn(true, url), []);
  assertEquals(argumentsBeforeOwn(false, url), [
    ...["run", "-A", "--unstable-net", "/opt/duwsgi/binary.ts"],
  ]);
});

Deno.test("without binary.ts nothing is a binary: the script is the main module, flags are Deno's", () => {
  assertEquals(isBinary(), false);
  assertEquals(takeScript(), null);
  assertEquals(scriptModule(), Deno.mainModule);
  assertEquals(whyNotInBinary(["--allow-net"], true), null);
});
