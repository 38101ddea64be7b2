/**
 * Runs in the master. The master FIFO: whoever may write to it gives commands, one byte each.
 *
 * Deno reads a file in a thread that waits for the read(2). The FIFO is open for writing too, so that
 * it never ends and needs no making anew when a writer goes. Closing it makes Deno's promise fail at
 * once but leaves that thread waiting, so a byte is written after it: an own descriptor is there for
 * that, which does not wait when the FIFO is full.
 *
 * @module
 */

import { errorText, UserError } from "../../errors.ts";
import type { FileStatus } from "../../system/files/file_status.ts";
import { check, cString, ERRNO, lastErrno, type Libc } from "../../system/libc.ts";
import { isOwned, type OwnedPath, removeOwned } from "../../system/files/owned_path.ts";
import {
  isRoot,
  openPlace,
  type TrustedName,
  UnsafePathError,
} from "../../system/files/trusted_path.ts";
import { isLost, sayMadeAgain, sayNotMadeAgain } from "../sockets/lost_files.ts";

const O_WRONLY = 1;
const O_NONBLOCK = 0o4000;

/** Only this user may write. */
const MODE = 0o600;

/** What the owner of the FIFO does with it. */
export interface FifoEvents {
  /** A byte arrived, as a character. */
  readonly onLetter: (letter: string, path: string) => void;
  /** Another FIFO could not be opened, so this one stays; or this one cannot be read any more. */
  readonly onProblem: (problem: string) => void;
}

/** The FIFO that is read: one of several paths, which the digits select. */
export class MasterFifo {
  readonly #libc: Libc;
  readonly #paths: readonly string[];
  readonly #events: FifoEvents;
  #open: OpenFifo;
  /** The number of the one that is read. */
  #slot = 0;

  /**
   * Makes the first FIFO and begins to read it.
   *
   * @throws {UserError} If it cannot be made.
   */
  constructor(c: Libc | null, paths: readonly string[], events: FifoEvents) {
    if (c === null) {
      throw new UserError(
        "socket",
        "master-fifo needs foreign functions: allow them with --allow-ffi, or use control-socket",
      );
    }
    this.#libc = c;
    this.#paths = paths;
    this.#events = events;
    this.#open = this.#openSlot(0);
  }

  /** Goes over to the FIFO with this number; the one before it is removed. */
  select(slot: number): void {
    if (this.#paths[slot] === this.#open.owned.path) return;
    try {
      const next = this.#openSlot(slot);
      this.#open.close();
      this.#open = next;
      this.#slot = slot;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#events.onProblem(error.message);
    }
  }

  /** Makes the FIFO again if somebody has removed it. */
  lookAgain(): void {
    const { owned } = this.#open;
    const what = `The master-fifo ${owned.path}`;
    if (!isLost(what, owned)) return;
    try {
      const next = this.#openSlot(this.#slot);
      this.#open.close();
      this.#open = next;
      sayMadeAgain(what, owned);
    } catch (error) {
      sayNotMadeAgain(what, owned, error);
    }
  }

  /** Stops reading and removes the FIFO. */
  close(): void {
    this.#open.close();
  }

  #openSlot(slot: number): OpenFifo {
    const path = this.#paths[slot];
    if (path === undefined) {
      throw new UserError(
        "socket",
        `There is no master-fifo number ${slot}: see the configuration`,
      );
    }
    try {
      return new OpenFifo(
        this.#libc,
        path,
        (letter) => this.#onLetter(letter, path),
        (reason) => this.#events.onProblem(`Cannot read master-fifo "${path}": ${reason}`),
      );
    } catch (error) {
      const reason = errorText(error);
      throw new UserError("socket", `Cannot open master-fifo "${path}": ${reason}`);
    }
  }

  #onLetter(letter: string, path: string): void {
    if (/^[0-9]$/.test(letter)) this.select(Number(letter));
    else this.#events.onLetter(letter, path);
  }
}

/** One FIFO that is read until it is closed. */
class OpenFifo {
  readonly owned: OwnedPath;
  readonly #libc: Libc;
  readonly #file: Deno.FsFile;
  /** The descriptor that ends the last read. */
  readonly #end: number;
  #closed = false;

  constructor(
    c: Libc,
    path: string,
    onLetter: (letter: string) => void,
    onError: (reason: string) => void,
  ) {
    using place = openPlace(c, path, { follow: false });
    removeStaleFifo(c, place);
    check(c, "make the FIFO", c.mkfifoat(place.directory, cString(place.name), MODE));
    const status = madeFifo(c, place);
    this.owned = { path: place.path, inode: status.inode, device: status.device };
    place.change({ mode: MODE }, (now) => isOwned(now, this.owned));
    this.#libc = c;
    this.#file = Deno.openSync(place.path, { read: true, write: true });
    this.#end = place.tryOpen(O_WRONLY | O_NONBLOCK);
    // Deno opens paths only, so what it has opened is looked at.
    const { ino, dev } = this.#file.statSync();
    if (this.#end < 0 || ino !== status.inode || dev !== status.device) {
      this.#file.close();
      if (this.#end >= 0) c.close(this.#end);
      throw new UnsafePathError("it was replaced by something else meanwhile");
    }
    void this.#read(onLetter, onError);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    removeOwned(this.owned);
    this.#file.close();
    this.#libc.write(this.#end, new Uint8Array(1), 1n);
    this.#libc.close(this.#end);
  }

  async #read(
    onLetter: (letter: string) => void,
    onError: (reason: string) => void,
  ): Promise<void> {
    const buffer = new Uint8Array(256);
    try {
      while (!this.#closed) {
        const length = await this.#file.read(buffer) ?? 0;
        for (const byte of buffer.subarray(0, length)) onLetter(String.fromCharCode(byte));
      }
    } catch (error) {
      // Closing it is what ends a read.
      if (!this.#closed) onError(errorText(error));
    }
  }
}

/** Only a FIFO that nobody reads is replaced: it is left over from a master that was killed. */
function removeStaleFifo(c: Libc, place: TrustedName): void {
  const status = place.status();
  if (status === null) return;
  if (status.type !== "fifo") {
    throw new Deno.errors.AlreadyExists("something else than a FIFO is there: remove it first");
  }
  const fd = place.tryOpen(O_WRONLY | O_NONBLOCK);
  if (fd >= 0) {
    c.close(fd);
    throw new Deno.errors.AddrInUse("another master reads it: choose another path");
  }
  if (lastErrno(c) === ERRNO.EACCES) {
    throw new Deno.errors.PermissionDenied("it belongs to somebody else: remove it first");
  }
  place.remove();
}

/** What was made just now; whoever may write to the directory could have replaced it already. */
function madeFifo(c: Libc, place: TrustedName): FileStatus {
  const status = place.status();
  const isOurs = !isRoot(c) || (status?.uid === 0 && status.links === 1);
  if (status?.type === "fifo" && isOurs) return status;
  throw new UnsafePathError("it was replaced by something else meanwhile");
}
