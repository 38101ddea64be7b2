/**
 * Runs in the master. Log files are opened again, and rotated: by size, for an operator, or because a file
 * was touched.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import type { LogFileConfig } from "../../config/options/log_file.ts";
import type { MasterMessage } from "../../protocol/message.ts";
import { absolutePath } from "../../system/files/absolute_path.ts";
import { type LogFile, NothingToRotate } from "../../system/files/log_file.ts";
import { logLine } from "../log.ts";

/** Says something to all workers. */
type Tell = (message: MasterMessage) => void;

/** How often the size of files is looked at (1 s). */
const LOOK_MS = 1_000;

/** What came of a change of a log file. */
interface Change {
  /** Null: it worked. */
  readonly problem: string | null;
  /** True if it is no regular file, so that there is nothing to rotate. */
  readonly skipped: boolean;
}

/** What becomes of the files of a log. */
export class LogRotation {
  readonly #files: readonly LogFile[];
  #timer: ReturnType<typeof setInterval> | undefined;
  #tell: Tell = () => {};
  #backup = "";
  /** How many renamed files of each log stay; 0: all. */
  #keep = 0;
  /** Logs whose rotation fails, or is none, and that was told. */
  readonly #told = new Set<LogFile>();
  /** Logs whose old files are being removed. */
  readonly #removing = new Set<LogFile>();

  /** `files`: those that there are when something is to be done. */
  constructor(files: readonly LogFile[]) {
    this.#files = files;
  }

  /** From now on, files are rotated as this configuration says, and workers are told with `tell`. */
  use(config: LogFileConfig, tell: Tell): void {
    this.#tell = tell;
    this.#backup = config.logBackupname;
    this.#keep = config.logKeep;
    // Another configuration may have another reason.
    this.#told.clear();
    clearInterval(this.#timer);
    this.#timer = undefined;
    const limits = this.#files.map((file) => ({ file, limit: file.maxsize ?? config.logMaxsize }))
      .filter(({ limit }) => limit > 0);
    if (limits.length === 0) return;
    this.#timer = setInterval(() => {
      for (const { file, limit } of limits) {
        const { size } = file;
        if (size > limit) this.#rotate(file, `${size} bytes are in it`, true);
      }
    }, LOOK_MS);
  }

  /** Opens all files again in master and workers, after somebody has renamed them. */
  reopen(why: string): void {
    for (const file of this.#files) {
      this.#change(file, `Log file opened again: ${why}`, () => file.reopen());
    }
  }

  /**
   * Renames all files, and opens new ones in master and workers. What is no regular file stays as it is.
   *
   * @returns What did not work; empty: something was renamed, and nothing failed.
   */
  rotate(why: string): readonly string[] {
    const results = this.#files.map((file) => this.#rotate(file, why));
    const failed = results.flatMap(({ problem, skipped }) => skipped ? [] : problem ?? []);
    if (failed.length > 0 || results.some(({ skipped }) => !skipped)) return failed;
    return results.flatMap(({ problem }) => problem ?? []);
  }

  /** The instance has ended. */
  close(): void {
    clearInterval(this.#timer);
  }

  /** `onceOnly`: nothing is said of what fails if that was told already. */
  #rotate(file: LogFile, why: string, onceOnly = false): Change {
    const written = file.backup ?? this.#backup;
    // A relative name takes a working directory, which may have been removed.
    const rotate = () => file.rotate(written === "" ? "" : absolutePath(written));
    const change = this.#change(file, `Log file rotated: ${why}`, rotate, onceOnly);
    if (change.problem === null && written === "") void this.#removeOld(file);
    return change;
  }

  /** Removes renamed files beyond `log-keep`; nobody waits for it. */
  async #removeOld(file: LogFile): Promise<void> {
    const keep = this.#keep;
    if (keep === 0 || this.#removing.has(file)) return;
    this.#removing.add(file);
    try {
      await file.removeRenamed(keep);
    } catch (error) {
      const reason = errorText(error);
      const text = `Old files of the log ${file.path} stay beyond log-keep: ${reason}`;
      logLine("error", text, { event: "logNotRemoved", path: file.path });
    } finally {
      this.#removing.delete(file);
    }
  }

  #change(
    file: LogFile,
    text: string,
    change: () => string | null | void,
    onceOnly = false,
  ): Change {
    const { path } = file;
    try {
      const backup = change();
      this.#tell({ type: "reopen-log", path, inode: file.inode });
      this.#told.delete(file);
      logLine("info", text, { event: "logReopened", path, ...(backup ? { backup } : {}) });
      return { problem: null, skipped: false };
    } catch (error) {
      const reason = errorText(error);
      const skipped = error instanceof NothingToRotate;
      const known = this.#told.has(file);
      this.#told.add(file);
      if (skipped) {
        const problem = `The log ${path} is not rotated, because ${reason}`;
        if (!known) logLine("warning", problem, { event: "logNotRotated", path });
        return { problem, skipped };
      }
      const problem = `The old log file stays in use, because ${path} fails: ${reason}`;
      if (!known || !onceOnly) logLine("error", problem, { event: "logReopenFailed", path });
      return { problem, skipped };
    }
  }
}
