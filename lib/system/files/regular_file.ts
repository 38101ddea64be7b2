/**
 * Reads files of others whole: nothing that is no file, because opening or reading it may take for ever,
 * and nothing that has no end.
 *
 * @module
 */

import { dirname, resolve } from "../../paths.ts";

/** No configuration, certificate or pidfile is larger (16 MiB). */
export const MAX_FILE_BYTES = 16 * 1024 * 1024;

/** What a path may lead to beside a regular file. */
export interface FileKinds {
  /** Pipes without a name, such as `/dev/stdin` and what `<(command)` of a shell is, and devices. */
  readonly streams: boolean;
}

const ONLY_FILES: FileKinds = { streams: false };
/** `/dev/null`, which is empty (Linux, devices.txt). */
const NULL_DEVICE = 0x103;

/**
 * The bytes of a file.
 *
 * @throws {Error} If it cannot be read, is no file, or has more than {@linkcode MAX_FILE_BYTES}.
 */
export function readRegularFile(path: string, kinds: FileKinds = ONLY_FILES): Uint8Array {
  // Before it is opened: open(2) of a pipe with a name waits for somebody who writes to it.
  requireKind(Deno.statSync(path), path, kinds);
  using file = Deno.openSync(path);
  const info = file.statSync();
  requireKind(info, path, kinds);
  return readToEnd((bytes) => file.readSync(bytes), info.size);
}

/** As {@linkcode readRegularFile}, as text in UTF-8. */
export function readRegularText(path: string): string {
  return new TextDecoder().decode(readRegularFile(path));
}

function requireKind(info: Deno.FileInfo, path: string, { streams }: FileKinds): void {
  if (info.isFile || info.rdev === NULL_DEVICE) return;
  if (info.isDirectory) throw new Deno.errors.IsADirectory("it is a directory");
  if (info.isFifo && isUnnamedPipe(path)) {
    if (streams) return;
    throw new Error(
      "it is a pipe, whose text is gone after the start: use a file, or - for standard input",
    );
  }
  if (info.isCharDevice && streams) return;
  const kind = info.isFifo ? "a pipe (FIFO)" : info.isSocket ? "a socket" : "a device";
  throw new Error(`it is ${kind}: use a regular file`);
}

/** True if links lead to what pipe(2) has made (proc_pid_fd(5)): it can be opened without waiting. */
function isUnnamedPipe(path: string): boolean {
  try {
    let at = path;
    // Somebody else may change links meanwhile, so their number has a limit.
    for (let links = 0; links < 40; links++) {
      const target = Deno.readLinkSync(at);
      if (target.startsWith("pipe:[")) return true;
      at = resolve(dirname(at), target);
    }
  } catch {
    // The last one is no link.
  }
  return false;
}

/**
 * Reads until the end.
 *
 * @param read Reads some bytes, and returns how many; null: there are no more.
 * @param expected How many there will be, as far as that is known.
 * @throws {Error} If there are more than {@linkcode MAX_FILE_BYTES}.
 */
export function readToEnd(
  read: (bytes: Uint8Array) => number | null,
  expected = 0,
): Uint8Array {
  // One more than expected, so that the end is seen without another piece.
  let bytes = new Uint8Array(Math.min(MAX_FILE_BYTES, Math.max(expected, 4095)) + 1);
  let length = 0;
  while (true) {
    const more = read(bytes.subarray(length));
    if (more === null) return bytes.subarray(0, length);
    length += more;
    if (length > MAX_FILE_BYTES) throw new Error("it has more than 16 MiB");
    if (length < bytes.length) continue;
    const larger = new Uint8Array(Math.min(MAX_FILE_BYTES + 1, 2 * bytes.length));
    larger.set(bytes);
    bytes = larger;
  }
}
