/**
 * A file in memory that takes what a process prints by itself, outside of its log: what Deno says when
 * it dies, and what the programs print that it starts. Writing there never waits and never fails. The
 * worker reads it regularly, and when it is dead, its master reads the rest.
 *
 * Both read through the same open file, so that one goes on where the other has stopped.
 *
 * @module
 */

import { O_CLOEXEC, setAppending } from "../descriptor.ts";
import { check, cString, type Libc } from "../libc.ts";
import { anonymousFile } from "../shared_memory.ts";

const SEEK_SET = 0;
const SEEK_CUR = 1;
const SEEK_END = 2;
/** `FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE` of fallocate(2). */
const PUNCH_HOLE = 3;
const NEWLINE = 10;
const CHUNK = 65_536;
/** Of what a dead process has left, so much is read from its end (1 MiB): it may have left anything. */
const MOST_LAST_BYTES = 1 << 20;

/** The descriptors of such a file. */
export interface WordFile {
  readonly write: number;
  readonly read: number;
}

/**
 * Makes an empty one. Children inherit neither descriptor.
 *
 * @throws {SystemCallError} If the kernel refuses it.
 */
export function createWordFile(c: Libc): WordFile {
  const write = anonymousFile(c, "duwsgi-words");
  // Whoever opens /dev/stderr gets a position of its own, and is not to write over what is there.
  setAppending(c, write);
  const read = check(c, "open", c.open(cString(`/proc/self/fd/${write}`), O_CLOEXEC));
  return { write, read };
}

/**
 * Takes the lines that have come since the last call.
 *
 * @param all True if nobody writes any more: what has no newline at its end counts as well.
 */
export function readLines(c: Libc, read: number, all: boolean): string[] {
  const position = Number(c.lseek(read, 0n, SEEK_CUR));
  const size = Number(c.lseek(read, 0n, SEEK_END));
  // A shell's `>/dev/stderr` has emptied the file.
  const begin = size < position ? 0 : position;
  const from = all ? Math.max(begin, size - MOST_LAST_BYTES) : begin;
  c.lseek(read, BigInt(from), SEEK_SET);
  const bytes = readAll(c, read, all ? MOST_LAST_BYTES : Infinity);
  const end = all ? bytes.length : bytes.lastIndexOf(NEWLINE) + 1;
  if (end < bytes.length) c.lseek(read, BigInt(end - bytes.length), SEEK_CUR);
  const lines = new TextDecoder().decode(bytes.subarray(0, end)).split("\n");
  if (lines.at(-1) === "") lines.pop();
  return from === begin ? lines : [`(${from - begin} bytes before this are left out)`, ...lines];
}

/** Gives back the memory of what was read. */
export function forgetLines(c: Libc, { write, read }: WordFile): void {
  const position = c.lseek(read, 0n, SEEK_CUR);
  if (position > 0n) c.fallocate(write, PUNCH_HOLE, 0n, position);
}

/** Reads to the end, or about `most` bytes: children of a dead process may go on writing. */
function readAll(c: Libc, fd: number, most: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (length < most) {
    const chunk = new Uint8Array(CHUNK);
    const count = Number(c.read(fd, chunk, BigInt(CHUNK)));
    if (count <= 0) break;
    chunks.push(chunk.subarray(0, count));
    length += count;
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
