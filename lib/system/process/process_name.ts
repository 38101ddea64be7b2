/**
 * What ps(1) calls a process. Its command line is the memory that execve(2) put the arguments in, which
 * a process may write to; where it is, the kernel says (proc(5), /proc/self/stat).
 *
 * @module
 */

import { kernelText } from "../descriptor.ts";
import { cString, type Libc } from "../libc.ts";
import { statFields } from "./process_stat.ts";

const PR_SET_NAME = 15;
/** `arg_start` and `arg_end` are the fields 48 and 49; field 3 follows the name in parentheses. */
const ARG_START = 48 - 3;
const ARG_END = 49 - 3;

/** Renames this process, cutting the name off where its arguments ended. */
export function setProcessName(c: Libc, name: string): void {
  const bytes = cString(name);
  const at = Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
  c.prctl(PR_SET_NAME, BigInt(at), 0n, 0n, 0n);
  const fields = statFields(kernelText(c, "/proc/self/stat"));
  const start = BigInt(fields[ARG_START] ?? 0);
  const length = Number(BigInt(fields[ARG_END] ?? 0) - start);
  const pointer = Deno.UnsafePointer.create(start);
  if (pointer === null || length <= 1) return;
  const area = new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(pointer, length));
  area.fill(0);
  area.set(bytes.subarray(0, length - 1));
}
