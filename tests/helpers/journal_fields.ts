/**
 * Reads the native protocol of systemd-journald as its receiver does.
 *
 * @module
 */

const NEWLINE = 10;
const EQUALS = 61;

/** The fields of one datagram by name. */
export function journalFields(bytes: Uint8Array): Map<string, string> {
  const decoder = new TextDecoder();
  const fields = new Map<string, string>();
  let at = 0;
  while (at < bytes.length) {
    const end = bytes.indexOf(NEWLINE, at);
    const equals = bytes.subarray(at, end).indexOf(EQUALS);
    if (equals >= 0) {
      const name = decoder.decode(bytes.subarray(at, at + equals));
      fields.set(name, decoder.decode(bytes.subarray(at + equals + 1, end)));
      at = end + 1;
      continue;
    }
    const name = decoder.decode(bytes.subarray(at, end));
    const view = new DataView(bytes.buffer, bytes.byteOffset + end + 1, 8);
    const start = end + 9;
    const length = Number(view.getBigUint64(0, true));
    fields.set(name, decoder.decode(bytes.subarray(start, start + length)));
    at = start + length + 1;
  }
  return fields;
}
