/**
 * The port through which the configuration layer learns about the world outside: files, environment,
 * host and user. Everything else in this folder is pure, so a test passes an object of its own.
 *
 * Everything is synchronous, because a configuration is read before anything is served, and the
 * values of one source never change: a reload makes a new source.
 *
 * @module
 */

/** What a path leads to, after following links; null when nothing is there. */
export type PathKind = "file" | "directory" | "other" | null;

/** The world as one reading of the configuration sees it. */
export interface ConfigSource {
  /** Directory the program was started in, absolute. Relative paths below are resolved against it. */
  readonly cwd: string;
  /** Host name, without domain unless the system's own name has one (`%h`, `if-hostname`). */
  readonly hostname: string;
  /** Name of the user the program runs as (`%U`), or its number where it has no name. */
  readonly user: string;
  /** Name of its group (`%G`), or its number where it has no name. */
  readonly group: string;
  /** Number of that user (`%u`). */
  readonly uid: number;
  /** Number of that group (`%g`). */
  readonly gid: number;
  /** Number of CPUs online (`%k`). */
  readonly cpuCount: number;
  /** When the master was started (`%t`, `%T`), ms since the epoch; a reload keeps it. */
  readonly startedAtMs: number;
  /** Version of duwsgi (`%V`). */
  readonly version: string;
  /** Path of the program that runs (`%b`). */
  readonly executable: string;
  /** Whether a running master reads its configuration again (`if-reload`). */
  readonly reloading: boolean;
  /** Whether a service manager passed sockets, so that none have to be configured. */
  readonly socketsPassed: boolean;

  /**
   * The text of a file, decoded as UTF-8 and with its byte order mark, if any, left in place.
   *
   * @throws {Error} When it cannot be read; the message says why in a few words, without the path.
   */
  readTextFile(path: string): string;
  /** What is at this path. Never throws: what cannot be looked at is not there. */
  kind(path: string): PathKind;
  /** Inode number of the file (`%i`), or null when it has none or is not there. */
  inode(path: string): number | null;
  /**
   * Everything on standard input, as UTF-8; called at most once (`--ini -`).
   *
   * @throws {Error} When it cannot be read.
   */
  stdin(): string;
  /** The environment variables of the program. Asked for often, so it should be at hand. */
  environment(): Readonly<Record<string, string>>;
  /** The existing paths a shell pattern matches, sorted; empty when none does (`for-glob`). */
  glob(pattern: string): readonly string[];
}
