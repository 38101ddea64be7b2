/**
 * Times as text. All requests of a second have the same, so each is made once per second.
 *
 * @module
 */

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;
const MONTHS = [
  ...["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
] as const;

/** Makes a text of a time, in milliseconds since the epoch, that changes once per second. */
export type ClockText = (ms: number) => string;

/** Keeps the text of the last second that was asked for. */
export function perSecond(format: (date: Date) => string): ClockText {
  let second = NaN;
  let text = "";
  return (ms) => {
    const asked = Math.floor(ms / 1000);
    if (asked !== second) {
      second = asked;
      text = format(new Date(asked * 1000));
    }
    return text;
  };
}

/** As ctime(3) writes it, in local time: `Thu Nov 26 02:29:50 2026`. */
export function ctimeText(date: Date): string {
  const day = String(date.getDate()).padStart(2);
  return `${DAYS[date.getDay()]} ${MONTHS[date.getMonth()]} ${day} ${
    clock(date)
  } ${date.getFullYear()}`;
}

/** As the common log format of web servers has it, in local time: `26/Nov/2026:02:29:50 +0000`. */
export function commonLogText(date: Date): string {
  const day = `${two(date.getDate())}/${MONTHS[date.getMonth()]}/${date.getFullYear()}`;
  return `${day}:${clock(date)} ${offset(-date.getTimezoneOffset())}`;
}

function clock(date: Date): string {
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

function offset(minutes: number): string {
  const positive = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.trunc(positive / 60))}${two(positive % 60)}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
