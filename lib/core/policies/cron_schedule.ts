/**
 * When a cron entry is due: uWSGI's rules, and the ones it lacks for clocks that jump. It reads no
 * clock: time comes in as a {@linkcode Moment}.
 *
 * @module
 */

/**
 * When a command is started. In each field -1 is any, -N every N (the field is divisible by N), and
 * everything else that very value.
 */
export interface CronSchedule {
  /** 0 to 59. */
  readonly minute: number;
  /** 0 to 23. */
  readonly hour: number;
  /** Day of the month, 1 to 31. */
  readonly day: number;
  /** 1 to 12. */
  readonly month: number;
  /** Day of the week, 0 to 7; 0 and 7 are Sunday. */
  readonly week: number;
}

/** A minute, as the local clock shows it and as the world counts it. */
export interface Moment extends CronSchedule {
  /** Minutes since the epoch. */
  readonly count: number;
  /** The same of what the local clock shows: it goes back when summer time ends. */
  readonly localCount: number;
}

/**
 * A clock that goes back no further than this (3 hours, in minutes) was put right: what has run does not
 * run again until the clock is past it. One that goes back further was wrong altogether, and counts anew.
 */
export const LONGEST_STEP_BACK = 180;

/**
 * Whether an entry is to be started now.
 *
 * @param last When it was started last, or when it began to be watched.
 */
export function isDue(schedule: CronSchedule, now: Moment, last: Moment): boolean {
  if (!isLater(now.count, last.count)) return false;
  // The hour after summer time comes twice. Who named the hour means it once.
  if (schedule.hour >= 0 && !isLater(now.localCount, last.localCount)) return false;
  return matches(schedule, now);
}

function isLater(now: number, last: number): boolean {
  return now > last || last - now > LONGEST_STEP_BACK;
}

/** Whether a minute is one of the schedule's. A day of the month and one of the week: either is enough. */
export function matches(schedule: CronSchedule, now: CronSchedule): boolean {
  const { minute, hour, day, month, week } = schedule;
  if (!fits(minute, now.minute) || !fits(hour, now.hour) || !fits(month, now.month)) return false;
  const onDay = fits(day, now.day);
  const onWeekday = fits(week === 7 ? 0 : week, now.week % 7);
  return day >= 0 && week >= 0 ? onDay || onWeekday : onDay && onWeekday;
}

function fits(wanted: number, value: number): boolean {
  return wanted < 0 ? value % -wanted === 0 : value === wanted;
}
