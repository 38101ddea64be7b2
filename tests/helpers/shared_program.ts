/**
 * Deno and duwsgi in a place that every user can read, which a checkout and a home directory need not
 * be. Use it with `using`.
 *
 * @module
 */
import { basename, dirname, join } from "@std/path/posix";
import { MAIN } from "./program.ts";

/** A copy of the program. */
export class SharedProgram implements Disposable {
  readonly #directory: string = Deno.makeTempDirSync({ prefix: "duwsgi-test-" });
  /** Path of Deno. */
  readonly deno: string = join(this.#directory, "deno");
  /** Path of main.ts, or of main.js in a bundle. */
  readonly main: string = join(this.#directory, basename(MAIN));

  /** Copies what is needed. */
  constructor() {
    Deno.chmodSync(this.#directory, 0o755);
    try {
      Deno.linkSync(Deno.execPath(), this.deno);
    } catch {
      Deno.copyFileSync(Deno.execPath(), this.deno);
    }
    const top = dirname(MAIN);
    for (const { name, isFile } of Deno.readDirSync(top)) {
      if (isFile) Deno.copyFileSync(join(top, name), join(this.#directory, name));
    }
    copyTree(join(top, "lib"), join(this.#directory, "lib"));
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#directory, { recursive: true });
  }
}

function copyTree(from: string, to: string): void {
  Deno.mkdirSync(to, { mode: 0o755 });
  for (const entry of Deno.readDirSync(from)) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory) copyTree(source, target);
    else {
      Deno.copyFileSync(source, target);
      Deno.chmodSync(target, 0o644);
    }
  }
}
