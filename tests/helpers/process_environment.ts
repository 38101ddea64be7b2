/**
 * The environments of other processes (proc_pid_environ(5)).
 *
 * @module
 */

/** How often an environment is read that is empty, with a pause of 1 ms. */
const MOST_READS = 20;

/** More than an environment has. */
const buffer = new Uint8Array(2 ** 20);

/**
 * The environment of a process; empty for a zombie. While it executes a program, the kernel shows none for a
 * moment: whoever reads once takes it for another process.
 *
 * @throws {Error} If the process is gone, or another user's.
 */
export function environmentOf(pid: string): string {
  for (let read = 1;; read++) {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    // Zombies and threads of the kernel have no memory.
    if (!/^VmSize:/m.test(status)) return "";
    const text = readOnce(`/proc/${pid}/environ`);
    if (text !== "" || read === MOST_READS) return text;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}

/** In one piece: what comes after the process has executed another program is missing in a second one. */
function readOnce(path: string): string {
  using file = Deno.openSync(path);
  const length = file.readSync(buffer) ?? 0;
  return new TextDecoder().decode(buffer.subarray(0, length));
}
