/**
 * Numbers as people read them, in few columns.
 *
 * @module
 */

/** Three digits and a letter: `0`, `42`, `1.2k`, `340M`. */
export function countText(count: number): string {
  return scaled(count, 1000, ["", "k", "M", "G", "T", "P"]);
}

/** A rate: `0`, `0.4`, `42`, `1.2k`; `-`: not known. */
export function rateText(perSecond: number | null): string {
  if (perSecond === null) return "-";
  if (perSecond > 0 && perSecond < 9.95) return perSecond.toFixed(1);
  return countText(Math.round(perSecond));
}

/** Bytes: `0`, `512B`, `1.5K`, `48M`, in powers of 1024. */
export function bytesText(bytes: number): string {
  return bytes === 0 ? "0" : scaled(bytes, 1024, ["B", "K", "M", "G", "T", "P"]);
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let rest = value;
  let unit = 0;
  // What would be rounded up to the next unit is written in that.
  while (rest >= base - 0.5 && unit < units.length - 1) {
    rest /= base;
    unit++;
  }
  const digits = unit > 0 && rest < 9.95 ? rest.toFixed(1) : String(Math.round(rest));
  return digits + (units[unit] ?? "");
}

/**
 * A short time: `80us`, `1.2ms`, `340ms`, `2.5s`; `-`: not known.
 *
 * @param longestUs From here on it is only known to be longer: `>10s`.
 */
export function microsecondsText(us: number | null, longestUs = Infinity): string {
  if (us === null) return "-";
  if (us >= longestUs) return `>${microsecondsText(longestUs)}`;
  if (us < 999.5) return `${Math.round(us)}us`;
  const [value, unit] = us < 999_500 ? [us / 1000, "ms"] : [us / 1_000_000, "s"];
  return `${value < 9.95 ? value.toFixed(1).replace(/\.0$/, "") : Math.round(value)}${unit}`;
}

/** A long time: `12s`, `3m`, `5h`, `12d`; `-`: not known. */
export function ageText(ms: number | null): string {
  if (ms === null) return "-";
  const units = [[86_400_000, "d"], [3_600_000, "h"], [60_000, "m"]] as const;
  const unit = units.find(([length]) => ms >= 2 * length);
  return unit === undefined ? `${Math.floor(ms / 1000)}s` : `${Math.floor(ms / unit[0])}${unit[1]}`;
}

const LEVELS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/** Values as a line of bars, the newest last, in at most `width` columns; nothing is a space. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = width <= 0 ? [] : values.slice(-width);
  const highest = Math.max(...shown, 0);
  return shown.map((value) => {
    if (value <= 0 || highest <= 0) return " ";
    return LEVELS[Math.min(LEVELS.length - 1, Math.floor(value / highest * LEVELS.length))] ?? " ";
  }).join("").padStart(Math.max(0, width));
}

/** A bar of at most `width` columns for a share of 0 to 1. */
export function bar(share: number, width: number): string {
  const cells = Math.round(Math.min(1, Math.max(0, share)) * width);
  return (share > 0 && cells === 0 && width > 0 ? "▏" : "█".repeat(cells)).padEnd(width);
}
