import { assertEquals } from "@std/assert";
import { environmentOf } from "../helpers/process_environment.ts";

Deno.test("environmentOf() sees the environment of a process that executes one program after the other", async () => {
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, `exec sh ${file}\n`);
  const env = { MARKED: "yes" };
  const child = new Deno.Command("sh", { args: [file], env, stdout: "null" }).spawn();
  let missed = 0;
  for (let i = 0; i < 2_000; i++) {
    if (!environmentOf(String(child.pid)).includes("MARKED=yes")) missed++;
  }
  child.kill("SIGKILL");
  await child.status;
  await Deno.remove(file);
  assertEquals(missed, 0);
});
