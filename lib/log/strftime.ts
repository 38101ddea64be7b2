/**
 * Dates as strftime(3) writes them in the C locale, in local time.
 *
 * @module
 */

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
const DAY_MS = 86_400_000;

/** How ctime(3) writes a date. */
const CTIME = "%a %b %e %H:%M:%S %Y";

type Conversion = (date: Date) => string;

const CONVERSIONS: Readonly<Record<string, Conversion>> = {
  a: (date) => dayName(date).slice(0, 3),
  A: dayName,
  b: (date) => monthName(date).slice(0, 3),
  B: monthName,
  c: (date) => strftime(CTIME, date),
  C: (date) => padded(Math.floor(date.getFullYear() / 100)),
  d: (date) => padded(date.getDate()),
  D: (date) => strftime("%m/%d/%y", date),
  e: (date) => padded(date.getDate(), 2, " "),
  F: (date) => strftime("%Y-%m-%d", date),
  G: (date) => String(isoWeek(date).year),
  g: (date) => padded(isoWeek(date).year % 100),
  h: (date) => monthName(date).slice(0, 3),
  H: (date) => padded(date.getHours()),
  I: (date) => padded(date.getHours() % 12 || 12),
  j: (date) => padded(dayOfYear(date) + 1, 3),
  k: (date) => padded(date.getHours(), 2, " "),
  l: (date) => padded(date.getHours() % 12 || 12, 2, " "),
  m: (date) => padded(date.getMonth() + 1),
  M: (date) => padded(date.getMinutes()),
  n: () => "\n",
  p: (date) => date.getHours() < 12 ? "AM" : "PM",
  P: (date) => date.getHours() < 12 ? "am" : "pm",
  r: (date) => strftime("%I:%M:%S %p", date),
  R: (date) => strftime("%H:%M", date),
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  S: (date) => padded(date.getSeconds()),
  t: () => "\t",
  T: (date) => strftime("%H:%M:%S", date),
  u: (date) => String(date.getDay() || 7),
  U: (date) => padded(Math.floor((dayOfYear(date) + 7 - date.getDay()) / 7)),
  V: (date) => padded(isoWeek(date).week),
  w: (date) => String(date.getDay()),
  W: (date) => padded(Math.floor((dayOfYear(date) + 7 - (date.getDay() + 6) % 7) / 7)),
  x: (date) => strftime("%m/%d/%y", date),
  X: (date) => strftime("%H:%M:%S", date),
  y: (date) => padded(date.getFullYear() % 100),
  Y: (date) => String(date.getFullYear()),
  z: offset,
  Z: zoneName,
  "%": () => "%",
};

/** Writes a date. What is no conversion stays as it is, as in C. */
export function strftime(format: string, date: Date): string {
  return format.replace(
    /%[EO]?([A-Za-z%])/g,
    (written, letter: string) => CONVERSIONS[letter]?.(date) ?? written,
  );
}

function dayName(date: Date): string {
  return DAYS[date.getDay()] ?? "";
}

function monthName(date: Date): string {
  return MONTHS[date.getMonth()] ?? "";
}

function padded(value: number, width = 2, fill = "0"): string {
  return String(value).padStart(width, fill);
}

/** Days since the first of January, from 0; daylight saving changes no day. */
function dayOfYear(date: Date): number {
  const day = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return Math.round((day - Date.UTC(date.getFullYear(), 0, 1)) / DAY_MS);
}

/** The week of ISO 8601: it belongs to the year that its Thursday is in. */
function isoWeek(date: Date): { readonly year: number; readonly week: number } {
  const thursday = new Date(date.getFullYear(), date.getMonth(), date.getDate());
  thursday.setDate(thursday.getDate() + 3 - (thursday.getDay() + 6) % 7);
  return { year: thursday.getFullYear(), week: Math.floor(dayOfYear(thursday) / 7) + 1 };
}

function offset(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${padded(Math.floor(size / 60))}${padded(size % 60)}`;
}

function zoneName(date: Date): string {
  const parts = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" }).formatToParts(date);
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
}
