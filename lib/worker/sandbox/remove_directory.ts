/**
 * Runs in the worker, where it is a sandbox. Removes the master's own directory when the master could not do so any more,
 * without the permission to write anywhere. See `sealed_libc.ts` for how it is written.
 *
 * @module
 */

import { cString } from "../../system/libc.ts";
import type { Lasting } from "./sealed_libc.ts";

const O_CLOEXEC = 0o2000000;
const O_DIRECTORY = Deno.build.arch === "aarch64" ? 0o40000 : 0o200000;
const BLOCK_BYTES = 16_384;
/** `struct linux_dirent64` of getdents64(2): where its length and its name stand. */
const RECORD_LENGTH_AT = 16;
const NAME_AT = 19;
const LONGEST_NAME = 256;
const SLASH = 47;

const toNumber = Number;

/**
 * Makes the function that removes the files in a directory, and it. Directories in it stay, and then it
 * stays as well.
 */
export function directoryRemover(
  c: Pick<Lasting, "open" | "getdents64" | "close" | "unlink" | "rmdir">,
  directory: string,
): () => void {
  const path = cString(directory);
  const start = path.length;
  const file = new Uint8Array(start + LONGEST_NAME);
  file.set(path);
  file[start - 1] = SLASH;
  const block = new Uint8Array(BLOCK_BYTES);
  const blockSize = BigInt(BLOCK_BYTES);

  function unlinkAt(record: number): void {
    for (let i = 0; i < LONGEST_NAME - 1; i++) {
      const byte = block[record + NAME_AT + i] ?? 0;
      file[start + i] = byte;
      if (byte === 0) return void c.unlink(file);
    }
  }

  return () => {
    const fd = c.open(path, O_CLOEXEC | O_DIRECTORY);
    if (fd < 0) return;
    for (
      let length = toNumber(c.getdents64(fd, block, blockSize));
      length > 0;
      length = toNumber(c.getdents64(fd, block, blockSize))
    ) {
      for (let at = 0; at < length;) {
        unlinkAt(at);
        at += (block[at + RECORD_LENGTH_AT] ?? 0) | ((block[at + RECORD_LENGTH_AT + 1] ?? 0) << 8);
      }
    }
    c.close(fd);
    c.rmdir(path);
  };
}
