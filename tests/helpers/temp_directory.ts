/**
 * A directory for one test. Use it with `using`: it is removed with everything in it.
 *
 * @module
 */
import { join } from "@std/path/posix";

/** A temporary directory. */
export class TempDirectory implements Disposable {
  /** Its absolute path, without symbolic links. */
  readonly path: string = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "duwsgi-test-" }));

  /** The path of something in it. */
  at(name: string): string {
    return join(this.path, name);
  }

  /** Writes a file, and the directories it needs; returns its path. */
  write(name: string, text = ""): string {
    const path = this.at(name);
    Deno.mkdirSync(join(path, ".."), { recursive: true });
    Deno.writeTextFileSync(path, text);
    return path;
  }

  /** Names of what is in it, sorted. */
  get names(): readonly string[] {
    return [...Deno.readDirSync(this.path)].map(({ name }) => name).sort();
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}
