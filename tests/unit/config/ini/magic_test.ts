import { assert, assertEquals } from "@std/assert";
import { expandMagic, MAGIC_VARIABLES } from "../../../../lib/config/ini/magic.ts";
import { memorySource } from "../../../helpers/memory_source.ts";

const source = memorySource({ files: { "/tmp/uwo/a.ini": "" } });
const file = { name: "/tmp/uwo/a.ini", section: "" };
const nameless = { name: "", section: "dev" };

function expand(text: string, inner = file, outermost = file): [string, string[]] {
  const unknown: string[] = [];
  const result = expandMagic(text, { source, file: inner, outermost }, (one) => unknown.push(one));
  return [result, unknown];
}

Deno.test("expandMagic() gives what uWSGI 2.0.21 gives for the parts of a path", () => {
  const [text] = expand("n=%n e=%e s=%s d=%d c=%c 0=%0 1=%1 2=%2 x=%x o=%o j=%j P=%P");
  assertEquals(
    text,
    "n=a e=ini s=a.ini d=/tmp/uwo/ c=uwo 0=tmp 1=uwo 2= x= o=/tmp/uwo/a.ini j=EF8FA09F " +
      "P=/tmp/uwo/a.ini",
  );
});

Deno.test("expandMagic() leaves placeholders alone and halves percent signs", () => {
  assertEquals(expand("100%% %(a) %%(b)"), ["100% %(a) %(b)", []]);
});

Deno.test("expandMagic() keeps what it does not know, and reports it", () => {
  assertEquals(expand("%Y %é %"), ["%Y %é %", ["%Y", "%é", "%"]]);
});

Deno.test("expandMagic() tells the file from the outermost one", () => {
  assertEquals(expand("%x %X %n %N", nameless, file), ["dev   a", []]);
});

Deno.test("expandMagic() gives nothing about standard input but its section", () => {
  assertEquals(expand("%p%s%n%e%d%c%o%i%0", nameless, nameless), ["", []]);
});

Deno.test("MAGIC_VARIABLES have one row per letter, each with a value and an explanation", () => {
  const letters = MAGIC_VARIABLES.map(({ letter }) => letter);
  assertEquals(new Set(letters).size, letters.length);
  for (const { letter, help, value } of MAGIC_VARIABLES) {
    assert(help !== "", letter);
    assertEquals(typeof value({ source, file, outermost: file }), "string", letter);
  }
});
