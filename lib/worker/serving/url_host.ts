/**
 * Runs in the worker. The host of a URL as clients and proxies write it, with a port or without. Pure.
 *
 * @module
 */

/** A host name has 253 characters at most (RFC 1035, 3.1); with a port and some room. */
const LONGEST = 262;

/** True if nothing in it would end the host of a URL, or be left out by who reads one. */
export function isHost(text: string): boolean {
  if (text === "" || text.length > LONGEST) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 || (code >= 0x7f && code <= 0xa0) || ENDS.includes(text[i] ?? "")) {
      return false;
    }
  }
  return true;
}

const ENDS = "/?#@\\";
