/** The colours of the page, as WCAG 2 measures them (success criterion 1.4.3). */
import { assert, assertEquals } from "@std/assert";

const CSS = Deno.readTextFileSync(new URL("../../../lib/page/page.css", import.meta.url));

/** Least contrast of text that is not large. */
const LEAST = 4.5;
/** Share of a badge's colour in its background, see `.badge` in page.css. */
const TINT = 0.13;

type Colour = readonly number[];

/** A colour of the light theme and of the dark one. */
function themed(name: string): readonly Colour[] {
  const [, light = "", dark = ""] =
    new RegExp(`--${name}: light-dark\\(#(\\w{6}), #(\\w{6})\\)`).exec(CSS) ?? [];
  return [light, dark].map((text) => [0, 2, 4].map((at) => parseInt(text.slice(at, at + 2), 16)));
}

function luminance(colour: Colour): number {
  const [red = 0, green = 0, blue = 0] = colour.map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: Colour, other: Colour): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

Deno.test("badges and the states in the table can be read in both themes", () => {
  assertEquals(CSS.match(/color-mix\(in srgb, var\(--tone\) 13%, transparent\)/g)?.length, 2);
  for (const tone of ["green", "blue", "amber", "red", "quiet"]) {
    for (const ground of ["ground", "panel"]) {
      for (const theme of [0, 1]) {
        const [text = [], below = []] = [themed(tone)[theme], themed(ground)[theme]];
        const badge = text.map((part, at) => TINT * part + (1 - TINT) * (below[at] ?? 0));
        const found = contrast(text, badge);
        assert(found >= LEAST, `${tone} on ${ground}, theme ${theme}: ${found.toFixed(2)}`);
      }
    }
  }
});
