/** The line that names the machine of a measurement. */
import { assertMatch } from "@std/assert";
import { describeMachine } from "../../../bench/machine.ts";

Deno.test("describeMachine() tells hardware and versions in one line", () => {
  assertMatch(describeMachine(), /^\d+ × .+, \d+ GiB memory, linux \S+, Deno \d+\.\d+\.\d+$/);
});
