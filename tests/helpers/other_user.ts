/**
 * Another user of the machine, who puts things where root does something: for tests that run as root.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { TempDirectory } from "./temp_directory.ts";

/** Number of the user, and of the group, that owns nothing. */
export const NOBODY = 65_534;
const AS_NOBODY = [
  "--reuid",
  String(NOBODY),
  "--regid",
  String(NOBODY),
  "--clear-groups",
  "--pdeathsig",
  "KILL",
];

/** What root's files hold in the beginning. */
const SECRET = "only root\n";

/** A file of root's at which links of the other user point, and a directory of that user. */
export class OtherUser implements AsyncDisposable {
  readonly #place = new TempDirectory();
  readonly #players: Deno.ChildProcess[] = [];
  /** Path of a directory that belongs to the other user. */
  readonly directory: string = this.#place.at("theirs");
  /** Path of a file of root's that nobody else can read. */
  readonly victim: string = this.#place.at("victim");

  /** Makes both. */
  constructor() {
    Deno.chmodSync(this.#place.path, 0o755);
    Deno.mkdirSync(this.directory);
    Deno.chownSync(this.directory, NOBODY, NOBODY);
    Deno.writeTextFileSync(this.victim, SECRET);
    Deno.chmodSync(this.victim, 0o640);
  }

  /** Path of something in the directory of the other user. */
  at(name: string): string {
    return `${this.directory}/${name}`;
  }

  /** Path of something beside it, in a directory of root's. */
  beside(name: string): string {
    return this.#place.at(name);
  }

  /** Runs a shell command as the other user, in the directory. */
  async run(command: string): Promise<void> {
    const { success, stderr } = await new Deno.Command("setpriv", {
      args: [...AS_NOBODY, "sh", "-c", command],
      cwd: this.directory,
      stdout: "null",
      stderr: "piped",
    }).output();
    assertEquals(success, true, new TextDecoder().decode(stderr));
  }

  /**
   * Runs JavaScript as the other user, again and again until the end of the test; `directory` and
   * `victim` are known there. Fulfilled when it has run once.
   *
   * @param deno A copy of Deno that every user can execute.
   */
  async play(deno: string, script: string): Promise<void> {
    const path = this.#place.write(
      "play.js",
      `const directory = ${JSON.stringify(this.directory)};
const victim = ${JSON.stringify(this.victim)};
let told = false;
while (true) {
  try {
    ${script}
  } catch {
    // Root was quicker.
  }
  if (!told) console.log("plays");
  told = true;
}`,
    );
    const player = new Deno.Command("setpriv", {
      args: [...AS_NOBODY, deno, "run", "--quiet", "--no-config", "--no-lock", "-A", path],
      cwd: this.directory,
      clearEnv: true,
      env: { DENO_DIR: this.at("cache"), DENO_NO_UPDATE_CHECK: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#players.push(player);
    const reader = player.stdout.getReader();
    await reader.read();
    reader.releaseLock();
  }

  /** Fails unless root's file is what it was: owner, mode, names and content. */
  assertVictimUntouched(what: string): void {
    const { uid, gid, mode, nlink } = Deno.statSync(this.victim);
    const now = [uid, gid, (mode ?? 0) & 0o7777, nlink, Deno.readTextFileSync(this.victim)];
    assertEquals(now, [0, 0, 0o640, 1, SECRET], what);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const player of this.#players) {
      player.kill("SIGKILL");
      await player.stdout.cancel();
      await player.status;
    }
    this.#place[Symbol.dispose]();
  }
}
