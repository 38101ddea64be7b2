/**
 * Runs a seccomp filter as the kernel does: an interpreter of the part of classic BPF that
 * lib/system/process/seccomp.ts uses.
 *
 * @module
 */

/** A system call as a filter sees it (`struct seccomp_data`). */
export interface SeccompCall {
  readonly arch: number;
  readonly number: number;
  /** Up to six. @default 0 */
  readonly args?: readonly bigint[];
}

/** `AUDIT_ARCH_*`. */
export const AUDIT_ARCH = { x86_64: 0xc000003e, aarch64: 0xc00000b7, i386: 0x40000003 } as const;

function dataOf({ arch, number, args = [] }: SeccompCall): DataView {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, number, true);
  data.setUint32(4, arch, true);
  args.forEach((value, i) => data.setBigUint64(16 + 8 * i, BigInt.asUintN(64, value), true));
  return data;
}

/**
 * What becomes of a call: `allow`, or the number of an error.
 *
 * @throws {Error} If the program does what the kernel would not load: jumps out of itself, reads beside
 * the data, has an instruction that is not known here, or does not end in a return.
 */
export function runFilter(program: Uint8Array, call: SeccompCall): "allow" | number {
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const data = dataOf(call);
  const count = program.length / 8;
  if (!Number.isInteger(count) || count === 0 || count > 4096) throw new Error("no program");
  let accumulator = 0;
  for (let at = 0; at < count; at++) {
    const operation = code.getUint16(8 * at, true);
    const [yes, no] = [code.getUint8(8 * at + 2), code.getUint8(8 * at + 3)];
    const k = code.getUint32(8 * at + 4, true);
    const jump = (holds: boolean) => at += holds ? yes : no;
    if (operation === 0x20) {
      if (k % 4 !== 0 || k > 60) throw new Error(`load at ${k}`);
      accumulator = data.getUint32(k, true);
    } else if (operation === 0x54) accumulator = (accumulator & k) >>> 0;
    else if (operation === 0x15) jump(accumulator === k);
    else if (operation === 0x25) jump(accumulator > k);
    else if (operation === 0x35) jump(accumulator >= k);
    else if (operation === 0x06) return resultOf(k);
    else throw new Error(`instruction ${operation} at ${at}`);
  }
  throw new Error("no return");
}

function resultOf(k: number): "allow" | number {
  if (k === 0x7fff0000) return "allow";
  if ((k & 0xffff0000) === 0x00050000) return k & 0xffff;
  throw new Error(`return of ${k}`);
}
