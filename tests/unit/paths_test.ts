/** Paths: the same as those of the standard library. */
import { assertEquals } from "@std/assert";
import * as std from "@std/path/posix";
import fc from "fast-check";
import { basename, dirname, extname, fromFileUrl, resolve, toFileUrl } from "../../lib/paths.ts";

const step = fc.constantFrom("a", "b.c", ".", "..", ".d", "e.", "", " ", "é%20", "...", "x.tar.gz");
const path = fc.tuple(
  fc.constantFrom("", "/"),
  fc.array(step, { maxLength: 6 }),
  fc.constantFrom("", "/"),
)
  .map(([before, steps, after]) => before + steps.join("/") + after);
const absolute = path.map((text) => `/${text}`);
const character = fc.constantFrom(...'ab/. %?#\\:\t\né~"<&');

Deno.test("resolveEntries() is that of the standard library, when the first path is absolute", () => {
  fc.assert(fc.property(absolute, fc.array(path, { maxLength: 3 }), (directory, paths) => {
    assertEquals(resolve(directory, ...paths), std.resolve(directory, ...paths));
  }));
});

Deno.test("dirname(), basename() and extname() are those of the standard library", () => {
  fc.assert(fc.property(path, fc.constantFrom("", ".c", ".gz", "a", "x.tar.gz"), (text, ending) => {
    assertEquals(dirname(text), std.dirname(text), `dirname ${text}`);
    assertEquals(extname(text), std.extname(text), `extname ${text}`);
    assertEquals(basename(text, ending), std.basename(text, ending), `basename ${text} ${ending}`);
  }));
});

Deno.test("toFileUrl() and fromFileUrl() are those of the standard library", () => {
  fc.assert(fc.property(fc.string({ unit: character }), (text) => {
    const url = toFileUrl(`/${text}`);
    assertEquals(url.href, std.toFileUrl(`/${text}`).href);
    assertEquals(fromFileUrl(url), std.fromFileUrl(url));
  }));
});
