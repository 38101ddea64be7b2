/**
 * Runs in the master. A Unix socket in the master's own directory, on which workers or operators call. It is
 * opened anew when its file is gone.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import { acceptLoop } from "./accept_all.ts";
import { logLine } from "../log.ts";

/** One such socket. */
export class DirectorySocket {
  readonly #name: string;
  readonly #problem: string;
  readonly #begin: (connection: Deno.UnixConn) => void;
  #path = "";
  /** Of the file at the path; null: unknown. */
  #inode: number | null = null;
  #listener: Deno.UnixListener | null = null;
  /** Settles when the listener accepts no more. */
  #accepting: Promise<void> = Promise.resolve();
  #reopening = false;
  #closed = false;

  /**
   * Opens it.
   *
   * @param problem Begins the line in the log when a connection could not be taken.
   * @throws {Error} If it cannot be opened.
   */
  constructor(
    directory: string,
    name: string,
    problem: string,
    begin: (connection: Deno.UnixConn) => void,
  ) {
    this.#name = name;
    this.#problem = problem;
    this.#begin = begin;
    this.#open(`${directory}/${name}`);
  }

  /**
   * Makes sure that it is to be found in this directory, from now on or in a moment.
   *
   * @throws {Error} If it cannot be opened there.
   */
  ensure(directory: string): void {
    const path = `${directory}/${this.#name}`;
    if (this.#closed || this.#reopening || (path === this.#path && this.#isThere())) return;
    this.#listener?.close();
    this.#listener = null;
    if (path !== this.#path) return this.#open(path);
    // Deno removes what is at the path of a listener as soon as nobody waits for it any more: not before
    // that, because then it would be the new socket.
    this.#reopening = true;
    void this.#accepting.then(() => this.#openAgain(path));
  }

  /** Stops listening. */
  close(): void {
    this.#closed = true;
    this.#listener?.close();
    this.#listener = null;
  }

  #openAgain(path: string): void {
    this.#reopening = false;
    if (this.#closed) return;
    try {
      this.#open(path);
    } catch (error) {
      // The next look tries again.
      const reason = errorText(error);
      logLine("error", `Cannot open ${path} again: ${reason}`, { event: "directorySocketLost" });
    }
  }

  #open(path: string): void {
    removeForeign(path);
    const listener = this.#listener = Deno.listen({ transport: "unix", path });
    this.#path = path;
    this.#inode = inodeOf(path);
    this.#accepting = acceptLoop(listener, this.#problem, this.#begin);
  }

  #isThere(): boolean {
    return this.#listener !== null && this.#inode !== null && inodeOf(this.#path) === this.#inode;
  }
}

/** Of the socket at the path; null: there is none. */
function inodeOf(path: string): number | null {
  try {
    const { isSocket, ino } = Deno.lstatSync(path);
    return isSocket ? ino : null;
  } catch {
    return null;
  }
}

/** Nobody else has anything to put there: the directory is the master's. */
function removeForeign(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // Nothing is there, or something that stays, as listening will say.
  }
}
