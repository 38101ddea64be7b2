import { assertEquals } from "@std/assert";
import { RawEntries, type RawEntry } from "../../../../lib/config/ini/entry.ts";

const entry = (key: string, value: string): RawEntry => ({
  key,
  value,
  origin: { file: "a.ini", line: 1 },
  placeholder: false,
  matched: null,
});

Deno.test("RawEntries.first() is the first of a name, however the option is called", () => {
  const entries = new RawEntries();
  entries.add(entry("workers", "1"));
  entries.add(entry("processes", "2"));
  entries.add(entry("own", "3"));
  entries.add(entry("own", "4"));
  assertEquals(entries.first("processes")?.value, "1");
  assertEquals(entries.first("workers")?.value, "1");
  assertEquals(entries.first("own")?.value, "3");
  assertEquals(entries.first("toString"), undefined);
  assertEquals([...entries].map(({ value }) => value), ["1", "2", "3", "4"]);
});
