/**
 * Names the machine that results were measured on.
 *
 * @module
 */

const BYTES_PER_GIB = 1024 ** 3;

/**
 * Processor, cores, memory, kernel and Deno's version in one line; nothing that tells whose machine
 * it is.
 */
export function describeMachine(): string {
  const memory = Math.round(Deno.systemMemoryInfo().total / BYTES_PER_GIB);
  return [
    `${navigator.hardwareConcurrency} × ${processor()}`,
    `${memory} GiB memory`,
    `${Deno.build.os} ${Deno.osRelease()}`,
    `Deno ${Deno.version.deno}`,
  ].join(", ");
}

/** The model as proc(5) tells it; some architectures have none there. */
function processor(): string {
  try {
    const model = /^model name\s*: (.+)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"));
    return model?.[1]?.replaceAll(/\s+/g, " ").trim() ?? Deno.build.arch;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return Deno.build.arch;
    throw error;
  }
}
