/** Dates, compared with what date(1) writes. */
import { assertEquals } from "@std/assert";
import { strftime } from "../../../lib/log/strftime.ts";

const CONVERSIONS = "aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYz%";

/** Days around which weeks and years turn, and a time after noon. */
const DATES = [
  "2026-01-01T00:00:00",
  "2024-12-30T23:59:59",
  "2024-02-29T12:00:00",
  "2027-01-03T13:05:09",
  "2020-12-31T09:07:00",
  "2026-11-26T02:29:23",
];

Deno.test("strftime() writes each conversion as the C library does", async () => {
  for (const text of DATES) {
    const date = new Date(text);
    // `date` takes what it gets for its own options apart from the format.
    const format = [...CONVERSIONS].map((letter) => `${letter}=%${letter}`).join("|");
    const { stdout } = await new Deno.Command("date", {
      args: ["-d", `@${Math.floor(date.getTime() / 1000)}`, `+${format}`],
      env: { LC_ALL: "C" },
    }).output();
    assertEquals(strftime(format, date).split("|"), decoded(stdout).split("|"), text);
  }
});

Deno.test("strftime() leaves alone what is no conversion", () => {
  assertEquals(strftime("100% of %q, %", new Date(0)), "100% of %q, %");
});

function decoded(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).replace(/\n$/, "");
}
