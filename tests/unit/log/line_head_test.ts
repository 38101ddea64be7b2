/** What a line of plain text begins with. */
import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path/posix";
import { lineHead, localTime, whoPrints } from "../../../lib/log/line_head.ts";

const MODULE = fromFileUrl(new URL("../../../lib/log/line_head.ts", import.meta.url));

/** The local times of these moments, in another zone. */
async function timesIn(zone: string, moments: readonly number[]): Promise<readonly string[]> {
  const script = `import { localTime } from ${JSON.stringify(MODULE)};
console.log(JSON.stringify(${JSON.stringify(moments)}.map(localTime)));`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", script],
    env: { TZ: zone },
    stderr: "inherit",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("localTime() is the time of the zone, with its offset, also when clocks are changed", async () => {
  const winter = Date.UTC(2026, 0, 31, 23, 59, 59, 7);
  const summer = Date.UTC(2026, 6, 1, 12, 0, 0, 999);
  assertEquals(await timesIn("America/New_York", [winter, summer, winter + 0.9]), [
    "2026-01-31 18:59:59.007 -05:00",
    "2026-07-01 08:00:00.999 -04:00",
    "2026-01-31 18:59:59.007 -05:00",
  ]);
  assertEquals(await timesIn("Asia/Kathmandu", [winter]), ["2026-02-01 05:44:59.007 +05:45"]);
  assertEquals(await timesIn("UTC", [winter]), ["2026-01-31 23:59:59.007 +00:00"]);
});

Deno.test("lineHead() names who prints, unless the line does that itself", () => {
  const at = Date.UTC(2026, 0, 31);
  assertEquals(lineHead(at, "info", ""), `${localTime(at)} info `);
  assertEquals(lineHead(at, "error", "worker 2"), `${localTime(at)} error worker 2: `);
  assertEquals(
    [{ worker: 2, pid: 7 }, { mule: 1, worker: "x" }, { daemon: 3 }].map(whoPrints),
    ["worker 2", "mule 1", ""],
  );
});
