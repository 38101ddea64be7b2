/**
 * Runs in the master. What hooks do with files, on descriptors: where other users may write, none of it
 * follows a link that they have put there, see `trusted_path.ts`.
 *
 * @module
 */

import { check, cString, type Libc, libc } from "../../system/libc.ts";
import { resolveOwner } from "../../system/files/owner.ts";
import { openEmptied, openToAppend, writeText } from "../../system/files/trusted_file.ts";
import { openPlace } from "../../system/files/trusted_path.ts";

const O_WRONLY = 1;
const O_NONBLOCK = 0o4000;
/** What the umask takes from. */
const FILE_MODE = 0o666;
const DIRECTORY_MODE = 0o777;
const MODE_BITS = 0o7777;
const STICKY = 0o1000;

/** Gives a file to a user and a group, names or numbers; empty: as it is. */
export function changeOwner(path: string, user: string, group: string): void {
  const c = libc();
  if (c === null) throw new Error("names of users need foreign functions: allow them");
  using place = openPlace(c, path);
  place.change(resolveOwner(c, `${user}:${group}`));
}

/** Changes the mode. */
export function changeMode(path: string, mode: number): void {
  const c = libc();
  if (c === null) return Deno.chmodSync(path, mode);
  using place = openPlace(c, path);
  place.change({ mode });
}

/** Sets the sticky bit. */
export function makeSticky(path: string): void {
  const c = libc();
  if (c === null) {
    return Deno.chmodSync(path, (Deno.statSync(path).mode ?? 0) & MODE_BITS | STICKY);
  }
  using place = openPlace(c, path);
  place.change({ mode: (status) => status.mode | STICKY });
}

/** Makes a directory whose parent is there. */
export function makeDirectory(path: string): void {
  const c = libc();
  if (c === null) return Deno.mkdirSync(path);
  using place = openPlace(c, path, { follow: false });
  check(c, "mkdir", c.mkdirat(place.directory, cString(place.name), DIRECTORY_MODE));
}

/** Has a file hold this text and nothing else. */
export function writeFile(path: string, text: string): void {
  const c = libc();
  if (c === null) return Deno.writeTextFileSync(path, text);
  writeAndClose(c, openEmptied(c, path, FILE_MODE), text);
}

/** Adds a text to a file. */
export function appendFile(path: string, text: string): void {
  const c = libc();
  if (c === null) return Deno.writeTextFileSync(path, text, { append: true });
  writeAndClose(c, openToAppend(c, path, { mode: FILE_MODE }).fd, text);
}

/** Deno would wait for a reader, and nothing else would happen meanwhile (fifo(7)). */
export function writeFifo(path: string, text: string): void {
  const c = libc();
  if (c === null) throw new Error("writefifo needs foreign functions: allow them");
  using place = openPlace(c, path);
  const fd = place.tryOpen(O_WRONLY | O_NONBLOCK);
  if (fd < 0) throw new Error(`nobody reads from ${path}, or it cannot be opened`);
  const bytes = new TextEncoder().encode(text);
  const written = Number(c.write(fd, bytes, BigInt(bytes.length)));
  c.close(fd);
  if (written < bytes.length) throw new Error(`${path} is full`);
}

/** Removes a file, or an empty directory; of a link, the link. */
export function removeFile(path: string): void {
  const c = libc();
  if (c === null) return Deno.removeSync(path);
  using place = openPlace(c, path, { follow: false });
  place.remove();
}

function writeAndClose(c: Libc, fd: number, text: string): void {
  try {
    writeText(c, fd, text);
  } finally {
    c.close(fd);
  }
}
