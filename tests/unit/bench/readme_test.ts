/** How measured numbers get into the benches' README. */
import { assertEquals, assertThrows } from "@std/assert";
import { fromFileUrl } from "@std/path/posix";
import { markdownTable, replaceSection } from "../../../bench/readme.ts";

const TEXT = "# Title\n\n<!-- a -->\n\nold\n\n<!-- /a -->\n\nbetween\n\n<!-- b --><!-- /b -->\n";

Deno.test("replaceSection() changes what is between the markers, and nothing else", () => {
  const once = replaceSection(TEXT, "a", "new\n\nnumbers\n");
  assertEquals(once, TEXT.replace("old", "new\n\nnumbers"));
  assertEquals(replaceSection(once, "a", "new\n\nnumbers\n"), once);
  assertEquals(
    replaceSection(TEXT, "b", "new").endsWith("<!-- b -->\n\nnew\n\n<!-- /b -->\n"),
    true,
  );
});

Deno.test("replaceSection() takes the body literally, when it contains what replace() would expand", () => {
  assertEquals(replaceSection(TEXT, "a", "$& $1 $'"), TEXT.replace("old", () => "$& $1 $'"));
});

Deno.test("replaceSection() fails, when the section is not there exactly once", () => {
  for (const text of ["", "<!-- a -->", "<!-- /a --><!-- a -->", TEXT + TEXT]) {
    assertThrows(() => replaceSection(text, "a", "x"), Error, 'one section "a"');
  }
});

Deno.test("markdownTable() aligns columns of numbers to the right", () => {
  assertEquals(
    markdownTable(["What", "Number"], [["one", 1], ["two", 2.5]]),
    "| What | Number |\n| --- | --: |\n| one | 1 |\n| two | 2.5 |",
  );
});

Deno.test("bench/README.md has a section for every bench", () => {
  const path = fromFileUrl(new URL("../../../bench/README.md", import.meta.url));
  const text = Deno.readTextFileSync(path);
  const sections = [
    "reload",
    "losses",
    "throughput",
    "stats",
    "reload-time",
    "master",
    "metrics",
    "walls",
  ];
  for (const section of sections) {
    assertEquals(replaceSection(text, section, "x").length < text.length, true);
  }
});
