/**
 * The facilities of syslog by name (RFC 5424, 6.2.1).
 *
 * @module
 */

import { nearestName } from "../nearest.ts";

const NAMES = (
  "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock " +
  "local0 local1 local2 local3 local4 local5 local6 local7"
).split(" ");

/**
 * The number of a facility, by name or number.
 *
 * @throws {SyntaxError} If there is none; the message continues a sentence that names the option.
 */
export function facilityNumber(text: string): number {
  const number = /^[0-9]{1,2}$/.test(text)
    ? Number(text)
    : NAMES.indexOf(text.toLowerCase().replace(/^log_/, ""));
  if (number >= 0 && number < NAMES.length) return number;
  const nearest = nearestName(text, NAMES);
  const advice = nearest === null
    ? "use daemon, user or local0 to local7"
    : `did you mean "${nearest}"?`;
  throw new SyntaxError(`has an unknown facility "${text}": ${advice}`);
}
