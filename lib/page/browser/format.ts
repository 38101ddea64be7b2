/**
 * Numbers as the page shows them: three digits where they say something, and a unit.
 *
 * @module
 */

/** What is shown where there is no value. */
export const NO_VALUE = "–";

const GROUPED = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const STEPS: readonly [factor: number, suffix: string][] = [[1e9, "G"], [1e6, "M"], [1e3, "k"]];

/** A whole number with its thousands marked: `12,345`. */
export function formatCount(value: number): string {
  return GROUPED.format(value);
}

/** Something per second, or an average: `0.3`, `42`, `1,234`, `56.7k`. */
export function formatRate(value: number): string {
  if (value === 0) return "0";
  if (value < 9.95) return value.toFixed(1);
  if (value < 9999.5) return formatCount(value);
  const [factor, suffix] = STEPS.find(([step]) => value >= step) ?? [1, ""];
  return significant(value / factor) + suffix;
}

/** A time in microseconds: `85 µs`, `1.25 ms`, `2.5 s`. */
export function formatMicros(value: number | null): string {
  if (value === null) return NO_VALUE;
  if (value < 999.5) return `${Math.round(value)} µs`;
  if (value < 999_500) return `${significant(value / 1e3)} ms`;
  return `${significant(value / 1e6)} s`;
}

/** An amount of memory in bytes: `64.2 MB`, in steps of 1024; 0 is not known. */
export function formatBytes(value: number): string {
  if (value <= 0) return NO_VALUE;
  const units = ["B", "KB", "MB", "GB", "TB"];
  let rest = value;
  let unit = 0;
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1024;
    unit++;
  }
  return `${significant(rest)} ${units[unit] ?? ""}`;
}

/** A duration in milliseconds, in at most two units: `350 ms`, `4.2 s`, `3 min 20 s`, `2 d 4 h`. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return twoUnits(seconds, 60, "min", "s");
  if (seconds < 86_400) return twoUnits(Math.floor(seconds / 60), 60, "h", "min");
  return twoUnits(Math.floor(seconds / 3600), 24, "d", "h");
}

/** An age in milliseconds in one unit, for a column: `12 s`, `5 min`, `3 h`, `9 d`. */
export function formatAge(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** The name of a file without its folders. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** `1 slot`, `2 slots`. */
export function counted(count: number, what: string): string {
  return `${formatCount(count)} ${what}${count === 1 ? "" : "s"}`;
}

function twoUnits(value: number, per: number, large: string, small: string): string {
  const rest = value % per;
  const whole = `${formatCount(Math.floor(value / per))} ${large}`;
  return rest === 0 ? whole : `${whole} ${rest} ${small}`;
}

/** Up to three digits that count, without zeros behind the point. */
function significant(value: number): string {
  const decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return String(Number(value.toFixed(decimals)));
}
