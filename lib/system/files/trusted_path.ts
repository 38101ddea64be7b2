/**
 * Resolves a path as the kernel does, one component after the other, on descriptors, and follows only
 * links that nobody but root and this process's own user can have put there. What is then done, is done
 * in the directory that was found (openat(2) and its siblings), whatever its path means by then.
 *
 * Root has to do it like that: where another user may write to a directory of the path, that user can
 * put a link there at any moment, and root would open, give away or remove what the link leads to. For
 * other users the rule is that of `fs.protected_symlinks` (proc_sys_fs(5)), which not every system sets.
 *
 * @module
 */

import { absolutePath } from "./absolute_path.ts";
import { kernelText, O_CLOEXEC } from "../descriptor.ts";
import {
  AT_EMPTY_PATH,
  descriptorStatus,
  type FileStatus,
  isSameFile,
  statusAt,
} from "./file_status.ts";
import { check, cString, ERRNO, lastErrno, type Libc, systemCallError } from "../libc.ts";

const IS_ARM = Deno.build.arch === "aarch64";
const O_DIRECTORY = IS_ARM ? 0o40000 : 0o200000;
const O_NOFOLLOW = IS_ARM ? 0o100000 : 0o400000;
/** The descriptor stands for a file without having opened it (open(2), O_PATH). */
const O_PATH = 0o10000000;
const O_NOCTTY = 0o400;
const AT_REMOVEDIR = 0x200;
const ROOT = 0;
const STICKY = 0o1000;
const OTHERS_WRITE = 0o002;
const GROUP_WRITES = 0o020;
/** How many links the kernel follows in one path (path_resolution(7)). */
const MOST_LINKS = 40;
const LONGEST_LINK = 4_096;

/** A path that root, or nobody in a sticky directory, should rely on; the message is for operators. */
export class UnsafePathError extends TypeError {}

/** How a path is resolved. */
export interface PathRules {
  /** Whether a link in the last place is followed. @default true */
  readonly follow?: boolean;
  /**
   * Users beside root who may own or write to the directories of the path when root resolves it; null:
   * anybody. @default null
   */
  readonly owners?: readonly number[] | null;
}

/** A name in a directory that is open. Use it with `using`. */
export class TrustedName implements Disposable {
  /** The directory (O_PATH). */
  readonly directory: number;
  readonly name: string;
  /** The path without the links that were followed. */
  readonly path: string;
  /** True for a link in /proc that stands for an open file, such as /proc/self/fd/2. */
  readonly isOpenFile: boolean;
  readonly #libc: Libc;

  /** For {@linkcode openPlace}. The descriptor of the directory is closed with it. */
  constructor(c: Libc, directory: number, names: readonly string[], isOpenFile = false) {
    this.#libc = c;
    this.directory = directory;
    this.name = names.at(-1) ?? ".";
    this.path = `/${names.join("/")}`;
    this.isOpenFile = isOpenFile;
  }

  /** What is there now, a link too; null: nothing. */
  status(): FileStatus | null {
    return statusAt(this.#libc, this.directory, this.name);
  }

  /** True if nobody but root and this user can put anything into the directory. */
  get isExclusive(): boolean {
    const status = descriptorStatus(this.#libc, this.directory);
    return status !== null && isTrusted(this.#libc, status.uid) &&
      (status.mode & (OTHERS_WRITE | GROUP_WRITES)) === 0;
  }

  /**
   * Opens what is there, without following a link. Children do not inherit the descriptor.
   *
   * @param mode Mode of a file that `flags` creates.
   * @returns The descriptor; negative: see errno(3).
   */
  tryOpen(flags: number, mode = 0): number {
    const nofollow = this.isOpenFile ? 0 : O_NOFOLLOW;
    const all = flags | nofollow | O_CLOEXEC | O_NOCTTY;
    return this.#libc.openat(this.directory, cString(this.name), all, mode);
  }

  /**
   * Makes what is there belong to somebody, or gives it a mode, or both, if it is `expected`.
   *
   * @throws {UnsafePathError} If it is not, or if it is a link, or has further names.
   * @throws {SystemCallError} If the kernel refuses it.
   */
  change(
    { uid = null, gid = null, mode = null }: {
      readonly uid?: number | null;
      readonly gid?: number | null;
      /** The mode that a file of this status gets. */
      readonly mode?: number | ((status: FileStatus) => number) | null;
    },
    expected: (status: FileStatus) => boolean = () => true,
  ): void {
    const c = this.#libc;
    const fd = check(c, "open", this.tryOpen(O_PATH));
    try {
      const status = descriptorStatus(c, fd);
      if (status === null || !expected(status)) {
        throw new UnsafePathError(`"${this.path}" was replaced by something else meanwhile`);
      }
      refuseLink(c, status, this.path);
      if (uid !== null || gid !== null) {
        const [user, group] = [uid ?? UNCHANGED, gid ?? UNCHANGED];
        check(c, "chown", c.fchownat(fd, cString(""), user, group, AT_EMPTY_PATH));
      }
      if (mode === null) return;
      // fchmod(2) refuses a descriptor of this kind; its entry in /proc leads to the very same file.
      const wanted = typeof mode === "number" ? mode : mode(status);
      check(c, "chmod", c.chmod(cString(`/proc/self/fd/${fd}`), wanted));
    } finally {
      c.close(fd);
    }
  }

  /**
   * Removes what is there: a file, or an empty directory.
   *
   * @throws {SystemCallError} If it cannot be removed.
   */
  remove(): void {
    const flags = this.status()?.type === "directory" ? AT_REMOVEDIR : 0;
    check(this.#libc, "unlink", this.#libc.unlinkat(this.directory, cString(this.name), flags));
  }

  /**
   * Renames what is there, replacing what is at the other place.
   *
   * @throws {SystemCallError} If it cannot be renamed.
   */
  renameTo({ directory, name }: TrustedName): void {
    const [from, to] = [cString(this.name), cString(name)];
    check(this.#libc, "rename", this.#libc.renameat(this.directory, from, directory, to));
  }

  /** Another name in the same directory; it is closed with this one. */
  sibling(name: string): TrustedName {
    const names = this.path.split("/").slice(1, -1);
    return new TrustedName(this.#libc, this.directory, [...names, name]);
  }

  [Symbol.dispose](): void {
    this.#libc.close(this.directory);
  }
}

/** Leaves that half of an owner as it is (chown(2)). */
const UNCHANGED = 0xffff_ffff;

/**
 * A link, or a file with a second name that may be a file of root's, is nothing that root changes.
 *
 * @throws {UnsafePathError} If it is one.
 */
export function refuseLink(c: Libc, { type, links }: FileStatus, path: string): void {
  if (type === "link") {
    throw new UnsafePathError(`"${path}" is a symbolic link: write the path that it leads to`);
  }
  if (type === "directory" || links === 1 || !isRoot(c)) return;
  throw new UnsafePathError(
    `"${path}" has ${links} hard links, so it may be a file of somebody else's: remove it`,
  );
}

/** True if this process is root. */
export function isRoot(c: Libc): boolean {
  return c.geteuid() === ROOT;
}

/** True for root and this process's own user. */
export function isTrusted(c: Libc, uid: number): boolean {
  return uid === ROOT || uid === c.geteuid() || uid === outsider(c);
}

let knownOutsider: number | null | undefined;

/**
 * What stands for the users outside of a user namespace (user_namespaces(7)), root among them, whose
 * files its root cannot touch in any case; null: all users are inside.
 */
function outsider(c: Libc): number | null {
  if (knownOutsider !== undefined) return knownOutsider;
  const id = Number(kernelText(c, "/proc/sys/kernel/overflowuid"));
  const ranges = kernelText(c, "/proc/self/uid_map").trim().split("\n").map((line) =>
    line.trim().split(/\s+/).map(Number)
  );
  const inside = ranges.some(([first = 0, , count = 0]) => id >= first && id < first + count);
  return knownOutsider = inside || ranges.length === 0 ? null : id;
}

/**
 * Resolves a path.
 *
 * @param path Relative ones start at the working directory. The last component need not exist.
 * @throws {UnsafePathError} If the rules forbid it.
 * @throws {SystemCallError} If a directory is missing, or cannot be searched.
 */
export function openPlace(c: Libc, path: string, rules: PathRules = {}): TrustedName {
  const rest = namesOf(absolutePath(path));
  let directory = openDirectory(c, "/");
  let names: string[] = [];
  const enter = (next: number, above: string[]) => {
    c.close(directory);
    [directory, names] = [next, above];
  };
  try {
    for (let links = 0;;) {
      const name = rest.shift();
      judgeDirectory(c, directory, names, rules);
      if (name === undefined) return new TrustedName(c, directory, [...names, "."]);
      const isLast = rest.length === 0;
      if (name === "..") {
        enter(openDirectory(c, "..", directory), names.slice(0, -1));
        continue;
      }
      const here = [...names, name];
      if (isLast && rules.follow === false) return new TrustedName(c, directory, here);
      const next = c.openat(directory, cString(name), O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
      if (next < 0) {
        const errno = lastErrno(c);
        if (isLast && errno === ERRNO.ENOENT) return new TrustedName(c, directory, here);
        throw systemCallError(c, "open", errno);
      }
      const status = descriptorStatus(c, next);
      if (status?.type === "link") {
        const target = linkTarget(c, next);
        c.close(next);
        if (++links > MOST_LINKS) throw systemCallError(c, "open", ERRNO.ELOOP);
        if (isInProc(c, status)) {
          if (isLast) return new TrustedName(c, directory, here, !isText(here));
          enter(openDirectory(c, name, directory), here);
          continue;
        }
        judgeLink(c, directory, status, `/${here.join("/")}`);
        rest.unshift(...namesOf(target));
        if (target.startsWith("/")) enter(openDirectory(c, "/"), []);
        continue;
      }
      if (isLast) {
        c.close(next);
        return new TrustedName(c, directory, here);
      }
      enter(next, here);
      if (status?.type !== "directory") throw systemCallError(c, "open", ERRNO.ENOTDIR);
    }
  } catch (error) {
    c.close(directory);
    throw error;
  }
}

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

/** The links of /proc that are no more than text, such as /proc/self. */
function isText(names: readonly string[]): boolean {
  return names.length === 2;
}

function openDirectory(c: Libc, name: string, at = -1): number {
  return check(c, "open", c.openat(at, cString(name), O_PATH | O_DIRECTORY | O_CLOEXEC, 0));
}

function linkTarget(c: Libc, link: number): string {
  const buffer = new Uint8Array(LONGEST_LINK);
  const length = Number(c.readlinkat(link, cString(""), buffer, BigInt(buffer.length)));
  return new TextDecoder().decode(buffer.subarray(0, check(c, "readlink", length)));
}

/** True for a link that the kernel itself has made. */
function isInProc(c: Libc, link: FileStatus): boolean {
  const proc = statusAt(c, -1, "/proc/self");
  return proc !== null && proc.device === link.device;
}

function judgeDirectory(
  c: Libc,
  directory: number,
  names: readonly string[],
  { owners = null }: PathRules,
): void {
  if (owners === null || !isRoot(c)) return;
  const status = descriptorStatus(c, directory);
  if (status === null) return;
  const path = `/${names.join("/")}`;
  if (!isTrusted(c, status.uid) && !owners.includes(status.uid)) {
    throw new UnsafePathError(
      `"${path}" belongs to user ${status.uid}, who could put anything there: use a directory of ` +
        "root's or of the user of uid",
    );
  }
  if ((status.mode & OTHERS_WRITE) === 0 || (status.mode & STICKY) !== 0) return;
  throw new UnsafePathError(`everybody may write to "${path}": take that right away (chmod o-w)`);
}

/** A link that another user may have put there leads root, or whoever it was put there for, astray. */
function judgeLink(c: Libc, directory: number, link: FileStatus, path: string): void {
  const above = descriptorStatus(c, directory);
  if (above === null) return;
  const isPublic = (above.mode & OTHERS_WRITE) !== 0;
  const isSticky = (above.mode & STICKY) !== 0;
  const good = isRoot(c)
    ? isTrusted(c, link.uid) && isTrusted(c, above.uid) && (!isPublic || isSticky)
    : !(isPublic && isSticky) || link.uid === c.geteuid() || link.uid === above.uid;
  if (good) return;
  const whose = isTrusted(c, link.uid)
    ? "in a directory that others may write to"
    : `of user ${link.uid}`;
  throw new UnsafePathError(
    `"${path}" is a symbolic link ${whose}, which is not followed: write the path that it leads to`,
  );
}

/** True if the file is still the one that has this status. */
export function isStill(place: TrustedName, status: Pick<FileStatus, "inode" | "device">): boolean {
  const now = place.status();
  return now !== null && isSameFile(now, status);
}
