import { assertEquals } from "@std/assert";
import { nearestName } from "../../lib/nearest_name.ts";

const NAMES = ["socket", "processes", "env", "touch-reload"];

Deno.test("nearestName() finds the name, when a letter is missing, wrong, extra or swapped", () => {
  assertEquals(nearestName("proceses", NAMES), "processes");
  assertEquals(nearestName("sucket", NAMES), "socket");
  assertEquals(nearestName("sockets", NAMES), "socket");
  assertEquals(nearestName("touch-relaod", NAMES), "touch-reload");
  assertEquals(nearestName("evn", NAMES), "env");
});

Deno.test("nearestName() is null, when nothing is near", () => {
  assertEquals(nearestName("harakiri", NAMES), null);
  assertEquals(nearestName("xyz", NAMES), null);
  assertEquals(nearestName("", []), null);
  assertEquals(nearestName("socket".repeat(20), NAMES), null);
});
