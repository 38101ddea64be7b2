/** When a cron entry is due. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type CronSchedule,
  isDue,
  LONGEST_STEP_BACK,
  matches,
  type Moment,
} from "../../../../lib/core/policies/cron_schedule.ts";

const ANY: CronSchedule = { minute: -1, hour: -1, day: -1, month: -1, week: -1 };

/** What a clock in Berlin shows at a minute since the epoch. */
function berlin(count: number): Moment {
  const parts = new Map(
    BERLIN.formatToParts(count * 60_000).map(({ type, value }) => [type, value]),
  );
  const [year, month, day, hour, minute] = ["year", "month", "day", "hour", "minute"].map((part) =>
    Number(parts.get(part as Intl.DateTimeFormatPartTypes))
  );
  const local = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute);
  return {
    minute: minute ?? 0,
    hour: hour ?? 0,
    day: day ?? 0,
    month: month ?? 0,
    week: new Date(local).getUTCDay(),
    count,
    localCount: local / 60_000,
  };
}

const BERLIN = new Intl.DateTimeFormat("en-GB", {
  timeZone: "Europe/Berlin",
  year: "numeric",
  month: "numeric",
  day: "numeric",
  hour: "numeric",
  minute: "numeric",
  hourCycle: "h23",
});

function minuteOf(iso: string): number {
  return Date.parse(iso) / 60_000;
}

/** The minutes at which an entry is started, when the clock shows these one after the other. */
function starts(schedule: CronSchedule, counts: readonly number[]): Moment[] {
  const [first = 0, ...rest] = counts;
  let last = berlin(first);
  return rest.map(berlin).filter((now) => {
    const due = isDue(schedule, now, last);
    if (due) last = now;
    return due;
  });
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** Three hours on either side of the change. */
const TO_WINTER = minuteOf("2026-10-25T01:00Z");
const TO_SUMMER = minuteOf("2026-03-29T01:00Z");
const AROUND_WINTER = range(TO_WINTER - 180, TO_WINTER + 180);
const AROUND_SUMMER = range(TO_SUMMER - 180, TO_SUMMER + 180);

Deno.test("matches() takes -1 for any, -N for every N, and everything else for itself", () => {
  const now = { minute: 30, hour: 4, day: 12, month: 6, week: 3 };
  for (
    const [schedule, expected] of [
      [{}, true],
      [{ minute: 30 }, true],
      [{ minute: 31 }, false],
      [{ minute: -5, hour: -2, day: -3, month: -6, week: -3 }, true],
      [{ minute: -7 }, false],
      [{ hour: 5 }, false],
      [{ month: 7 }, false],
      [{ day: 12, week: 3 }, true],
    ] as const
  ) assertEquals(matches({ ...ANY, ...schedule }, now), expected, JSON.stringify(schedule));
});

Deno.test("matches() is content with a day of the month or one of the week, when both are given", () => {
  const now = { minute: 0, hour: 0, day: 12, month: 6, week: 3 };
  assert(matches({ ...ANY, day: 12, week: 5 }, now));
  assert(matches({ ...ANY, day: 13, week: 3 }, now));
  assert(!matches({ ...ANY, day: 13, week: 5 }, now));
  assert(!matches({ ...ANY, day: 13 }, now));
  assert(!matches({ ...ANY, day: -5, week: 3 }, now), "every fifth day is no day of the month");
});

Deno.test("matches() takes 7 for Sunday, as it does 0", () => {
  const sunday = { minute: 0, hour: 0, day: 1, month: 2, week: 0 };
  assert(matches({ ...ANY, week: 7 }, sunday));
  assert(matches({ ...ANY, week: 0 }, sunday));
  assert(!matches({ ...ANY, week: 7 }, { ...sunday, week: 6 }));
});

Deno.test("isDue() starts nothing in the minute in which an entry began to be watched", () => {
  const now = berlin(TO_WINTER);
  assert(!isDue(ANY, now, now));
  assert(isDue(ANY, berlin(TO_WINTER + 1), now));
});

Deno.test("isDue() starts an entry of every minute in every minute, also when summer time ends", () => {
  assertEquals(starts(ANY, AROUND_WINTER).length, AROUND_WINTER.length - 1);
  assertEquals(starts(ANY, AROUND_SUMMER).length, AROUND_SUMMER.length - 1);
});

Deno.test("isDue() starts an entry with an hour once, when that hour comes twice", () => {
  const half = starts({ ...ANY, hour: 2, minute: 30 }, AROUND_WINTER);
  assertEquals(half.map(({ count }) => count), [TO_WINTER - 30]);
  const tenth = starts({ ...ANY, hour: 2, minute: -10 }, AROUND_WINTER);
  assertEquals(tenth.map(({ minute }) => minute), [0, 10, 20, 30, 40, 50]);
});

Deno.test("isDue() leaves out an hour that does not come", () => {
  assertEquals(starts({ ...ANY, hour: 2, minute: 30 }, AROUND_SUMMER), []);
});

Deno.test("isDue() does not repeat what a clock that is put back shows again", () => {
  const before = range(TO_WINTER, TO_WINTER + 40);
  const again = range(TO_WINTER + 10, TO_WINTER + 60);
  const started = starts({ ...ANY, minute: -5 }, [...before, ...again]);
  assertEquals(new Set(started.map(({ count }) => count)).size, started.length);
  assertEquals(started.at(-1)?.minute, 55);
});

Deno.test("isDue() goes on, when a clock that was years ahead is put right", () => {
  const wrong = TO_WINTER + 1_000_000;
  assertEquals(starts(ANY, [wrong, wrong + 1, TO_WINTER, TO_WINTER + 1]).length, 3);
});

const field = (highest: number) =>
  fc.oneof(fc.constant(-1), fc.integer({ min: -highest, max: -1 }), fc.nat(highest));
const schedules: fc.Arbitrary<CronSchedule> = fc.record({
  minute: field(59),
  hour: field(23),
  day: fc.constantFrom(-1, -2, 25, 29),
  month: fc.constantFrom(-1, 3, 10),
  week: fc.integer({ min: -7, max: 7 }).map((week) => week === 0 ? 7 : week),
});
/** Steps of a clock: mostly minute by minute, sometimes still, back, or ahead. */
const clocks = fc.tuple(
  fc.constantFrom(TO_WINTER - 150, TO_SUMMER - 150),
  fc.array(
    fc.oneof(
      { weight: 20, arbitrary: fc.constant(1) },
      { weight: 1, arbitrary: fc.integer({ min: -30, max: 30 }) },
    ),
    { maxLength: 300 },
  ),
).map(([from, steps]) => {
  let at = from;
  return [at, ...steps.map((step) => at += step)];
});

Deno.test("isDue() never starts an entry twice for one minute, whatever the clock does", () => {
  fc.assert(fc.property(schedules, clocks, (schedule, counts) => {
    const highest = Math.max(...counts) - Math.min(...counts);
    fc.pre(highest <= LONGEST_STEP_BACK * 2);
    const started = starts(schedule, counts);
    for (const [i, moment] of started.entries()) {
      assert(matches(schedule, moment));
      const before = started[i - 1];
      if (before === undefined) continue;
      const back = before.count - moment.count;
      assert(back < 0 || back > LONGEST_STEP_BACK, "the same minute");
      const localBack = before.localCount - moment.localCount;
      assert(schedule.hour < 0 || localBack < 0 || localBack > LONGEST_STEP_BACK, "the same hour");
    }
  }));
});

Deno.test("isDue() misses no minute of a clock that runs evenly, but for the hour that repeats", () => {
  fc.assert(
    fc.property(schedules, fc.constantFrom(AROUND_WINTER, AROUND_SUMMER), (schedule, counts) => {
      const wanted = counts.slice(1).map(berlin).filter((now) => matches(schedule, now));
      const labels = new Set(wanted.map(({ localCount }) => localCount));
      const expected = schedule.hour < 0 ? wanted.length : labels.size;
      assertEquals(starts(schedule, counts).length, expected);
    }),
  );
});
