/**
 * Runs in the master. The directory that the master has for itself: sockets, import maps, facts for
 * workers. Only this user may enter it.
 *
 * Somebody may remove it, as cleaners of /tmp do, and then anybody can make another one of this name,
 * full of links, or with import maps that workers would run. So it is looked at before it is used.
 *
 * @module
 */

import { errorText } from "../errors.ts";
import { covers, realPathOf } from "../system/files/absolute_path.ts";
import { libc } from "../system/libc.ts";
import { openPlace } from "../system/files/trusted_path.ts";
import { logLine } from "./log.ts";

const PREFIX = "duwsgi-";
/** Only the owner may do anything. */
const PRIVATE_MODE = 0o700;
const PERMISSION_BITS = 0o777;
/** `sun_path` has 108 bytes (unix(7)); a long TMPDIR does not leave enough of them. */
const LONGEST_DIRECTORY = 80;
const USUAL_PARENT = "/tmp";

/** One such directory, from when it was made or taken over. */
export class MasterDirectory {
  readonly path: string;
  readonly #lock: Deno.FsFile;
  /** What it was in the beginning. */
  readonly #made: Deno.FileInfo;

  private constructor(path: string) {
    this.path = path;
    this.#lock = keepFromCleaners(path);
    this.#made = this.#lock.statSync();
  }

  /**
   * Takes over that of the program that was here before, if it is still private, or makes a new one.
   *
   * @param avoid Paths below which it is not made, if there is another place for it.
   * @throws {Error} If none can be made.
   */
  static open(before?: string, avoid: readonly string[] = []): MasterDirectory {
    if (before !== undefined && isPrivate(existing(before))) {
      const taken = new MasterDirectory(before);
      if (taken.isIntact()) return taken;
      taken.unlock();
    }
    return MasterDirectory.make(before, avoid);
  }

  /**
   * Makes a new one: at the same path if nothing is there, because workers that run know that one.
   *
   * @param before Path of the one that it takes the place of.
   * @param avoid As for {@linkcode open}.
   * @throws {Error} If none can be made.
   */
  static make(before?: string, avoid: readonly string[] = []): MasterDirectory {
    if (before !== undefined && makeAgain(before)) return new MasterDirectory(before);
    const made = new MasterDirectory(makePrivateDirectory(avoid));
    if (before !== undefined) moveCache(before, made.path);
    return made;
  }

  /** True if the path still leads to it, and its owner and mode are what they were. */
  isIntact(): boolean {
    const now = existing(this.path);
    const { ino, dev, uid, mode } = this.#made;
    return now !== null && now.isDirectory && now.ino === ino && now.dev === dev &&
      now.uid === uid && now.mode === mode;
  }

  /** From now on it may be cleared away. */
  unlock(): void {
    this.#lock.close();
  }

  /** Removes it with everything in it, unless it is somebody else's by now. */
  remove(): void {
    this.unlock();
    try {
      if (this.isIntact()) Deno.removeSync(this.path, { recursive: true });
    } catch (error) {
      const reason = errorText(error);
      const text = `The master's directory ${this.path} stays: ${reason}`;
      logLine("warning", text, { event: "directoryStays", directory: this.path });
    }
  }
}

/** True for a directory of this user that nobody else may enter. */
function isPrivate(info: Deno.FileInfo | null): boolean {
  return info !== null && info.isDirectory && info.uid === Deno.uid() &&
    ((info.mode ?? 0) & PERMISSION_BITS) === PRIVATE_MODE;
}

/** What is at the path; null: nothing. */
function existing(path: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/**
 * Workers that start in a month need what is in the directory, and whoever clears old files away leaves
 * a locked one alone (tmpfiles.d(5), "Age").
 */
function keepFromCleaners(directory: string): Deno.FsFile {
  const lock = Deno.openSync(directory);
  try {
    lock.lockSync(false);
  } catch {
    // A file system without locks, where nobody could respect one.
  }
  return lock;
}

/**
 * Where it is made instead if TMPDIR is to be avoided: a sandboxed worker that may read or write there would
 * lose the permission together with the one for the directory.
 */
function otherPlaces(): string[] {
  return [Deno.env.get("XDG_RUNTIME_DIR") ?? "", "/run", "/dev/shm", "/var/tmp"]
    .filter((place) => place !== "");
}

/** Makes it where it was, unless somebody else has something there, or could have. */
function makeAgain(path: string): boolean {
  try {
    Deno.mkdirSync(path, { mode: PRIVATE_MODE });
  } catch {
    // Something is there, or what it was in is gone as well.
    return false;
  }
  if (isPrivate(existing(path)) && doubtAbout(path) === null) return true;
  Deno.removeSync(path);
  return false;
}

function makePrivateDirectory(avoid: readonly string[]): string {
  const directory = makeDirectory();
  const avoided = avoid.map(realPathOf);
  const isFree = (place: string) => !avoided.some((one) => covers(one, realPathOf(place)));
  if (isFree(directory)) return directory;
  for (const place of otherPlaces().filter(isFree)) {
    try {
      const other = Deno.makeTempDirSync({ dir: place, prefix: PREFIX });
      Deno.removeSync(directory);
      return other;
    } catch {
      // Not there, or not for this user.
    }
  }
  // Whoever starts the workers says that they cannot be started so.
  return directory;
}

function makeDirectory(): string {
  const directory = makeInTemporary();
  const doubt = directory.length > LONGEST_DIRECTORY ? "" : doubtAbout(directory);
  if (doubt === null) return directory;
  Deno.removeSync(directory);
  if (doubt !== "") {
    const text = `TMPDIR is not used, because ${doubt}: ${USUAL_PARENT} is`;
    logLine("warning", text, { event: "temporaryDirectory" });
  }
  return Deno.makeTempDirSync({ dir: USUAL_PARENT, prefix: PREFIX });
}

/** In TMPDIR; where that is gone by now, in another place for such things. */
function makeInTemporary(): string {
  try {
    return Deno.makeTempDirSync({ prefix: PREFIX });
  } catch (error) {
    for (const place of [USUAL_PARENT, ...otherPlaces()]) {
      try {
        const directory = Deno.makeTempDirSync({ dir: place, prefix: PREFIX });
        const reason = errorText(error);
        const text = `TMPDIR cannot be used (${reason}): ${place} is`;
        logLine("warning", text, { event: "temporaryDirectory" });
        return directory;
      } catch {
        // Not there, or not for this user.
      }
    }
    throw error;
  }
}

/** Why root should not have its directory there: somebody else could put another one in its place. */
function doubtAbout(directory: string): string | null {
  const c = libc();
  if (c === null) return null;
  try {
    openPlace(c, directory, { follow: false, owners: [] })[Symbol.dispose]();
    return null;
  } catch (error) {
    return errorText(error);
  }
}

/** Deno's cache may lie in the directory, see `requireCache()`, and workers execute what is in it. */
function moveCache(before: string, now: string): void {
  const cache = Deno.env.get("DENO_DIR") ?? "";
  if (cache.startsWith(`${before}/`)) Deno.env.set("DENO_DIR", now + cache.slice(before.length));
}
