import { assertEquals, assertThrows } from "@std/assert";
import { locateIni } from "../../../../lib/config/ini/ini_location.ts";
import { memorySource } from "../../../helpers/memory_source.ts";

const source = memorySource({ files: { "a.ini": "", "odd:name": "", "sub/x": "" } });
const current = { name: "a.ini", section: "web" };

Deno.test("locateIni() understands file, file:section, :section and -", () => {
  assertEquals(locateIni("b.ini", current, source), { name: "b.ini", section: "" });
  assertEquals(locateIni("b.ini:dev", current, source), { name: "b.ini", section: "dev" });
  assertEquals(locateIni(":dev", current, source), { name: "a.ini", section: "dev" });
  assertEquals(locateIni("-", undefined, source), { name: "-", section: "" });
  assertEquals(locateIni("-:dev", undefined, source), { name: "-", section: "dev" });
});

Deno.test("locateIni() takes a colon for a part of the name, when there is such a file", () => {
  assertEquals(locateIni("odd:name", current, source), { name: "odd:name", section: "" });
});

Deno.test("locateIni() throws, when the text names no INI file", () => {
  assertThrows(() => locateIni("", current, source), SyntaxError, "needs the name");
  assertThrows(() => locateIni(":dev", undefined, source), SyntaxError, "needs a file");
  assertThrows(() => locateIni("http://a/b.ini", current, source), SyntaxError, "only files");
  assertThrows(() => locateIni("a.yaml:x", current, source), SyntaxError, "only INI");
  assertThrows(() => locateIni("sub", current, source), SyntaxError, "is a directory");
});
