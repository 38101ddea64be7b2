/**
 * Runs in the master. The Unix socket that workers call to get their control pipe. It lies in a
 * directory that only this user may enter, and a caller must know the token of a worker that is
 * expected.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import { Channel } from "../../protocol/channel.ts";
import {
  decodeWorkerMessage,
  type MasterMessage,
  MAX_MESSAGE_BYTES,
  PROTOCOL_VERSION,
  type WorkerMessage,
} from "../../protocol/message.ts";
import { after, type Cancel, every } from "../../system/timing.ts";
import { DirectorySocket } from "./directory_socket.ts";
import { logLine } from "../log.ts";
import { MasterDirectory } from "../master_directory.ts";

/** The control pipe of one worker, as the master holds it. */
export type WorkerChannel = Channel<WorkerMessage, MasterMessage>;

/** The first message of a worker. */
export type Hello = Extract<WorkerMessage, { readonly type: "hello" }>;

/** A worker that has called: its pipe, its first words, and what it says from then on. */
export interface Caller {
  readonly channel: WorkerChannel;
  readonly hello: Hello;
  readonly messages: AsyncGenerator<WorkerMessage>;
}

/** How long a caller may take to say who it is (10 s). */
const HELLO_TIMEOUT_MS = 10_000;

/** So many bytes wait for a worker that does not read (4 MiB). */
const MOST_UNSENT_BYTES = 4 << 20;

/** How often the directory is looked at, together with what else wakes the master (10 s). */
const LOOK_MS = 10_000;

/** So many callers may be unknown at a time, beside one for each worker that is expected. */
const MOST_UNKNOWN = 64;

/** Answers the calls of workers. */
export class ControlServer {
  readonly #expected = new Map<string, (caller: Caller) => void>();
  /** Fulfilled when nobody calls any more who is expected later. */
  readonly #allExpected = Promise.withResolvers<void>();
  #unknown = 0;
  readonly #avoid: readonly string[];
  readonly #sockets: DirectorySocket[] = [];
  #directory: MasterDirectory;
  #toldProblem = "";
  #stopLooking: Cancel = () => {};

  /**
   * Begins to listen in a new directory, or in that of the program that was here before; if somebody has
   * removed it, the workers of that program do not find this one, and leave when they notice. A new
   * directory is made below none of the paths to avoid, if there is a place for it.
   */
  constructor(before?: string, avoid: readonly string[] = []) {
    this.#avoid = avoid;
    if (before === undefined) this.#allExpected.resolve();
    this.#directory = MasterDirectory.open(before, avoid);
    // Whoever was started with the files in it has read them.
    for (const { name, isDirectory } of Deno.readDirSync(this.directory)) {
      // The cache of the user of `uid` stays.
      if (!isDirectory) Deno.removeSync(`${this.directory}/${name}`);
    }
    this.open("control.sock", "Cannot take the call of a worker", (connection) => {
      if (this.#unknown < MOST_UNKNOWN + this.#expected.size) void this.#greet(connection);
      else connection.close();
    });
  }

  /**
   * Path of the directory that the master has for itself; it holds the socket and the import maps. Who
   * wants to put something there asks {@linkcode ControlServer.ensureDirectory}.
   */
  get directory(): string {
    return this.#directory.path;
  }

  /** Path of the socket. */
  get path(): string {
    return `${this.directory}/control.sock`;
  }

  /**
   * Makes sure that the directory is still the master's own, and that its sockets are in it. If somebody has
   * removed it or put another one in its place, there is a new one from now on; workers that run keep their
   * connections.
   *
   * @returns Its path.
   * @throws {Error} If no directory can be made, or no socket be opened in it.
   */
  ensureDirectory(): string {
    if (!this.#directory.isIntact()) this.#renew();
    for (const socket of this.#sockets) socket.ensure(this.directory);
    return this.directory;
  }

  /**
   * Opens a socket in the directory, which is there for as long as it is open, whatever becomes of the
   * directory.
   *
   * @param problem Begins the line in the log when a connection could not be taken.
   * @throws {Error} If it cannot be opened.
   */
  open(
    name: string,
    problem: string,
    begin: (connection: Deno.UnixConn) => void,
  ): DirectorySocket {
    const socket = new DirectorySocket(this.directory, name, problem, begin);
    this.#sockets.push(socket);
    return socket;
  }

  /**
   * From now on looks regularly whether the directory is still there: an operator who calls cannot say that
   * it is not.
   */
  keepLooking(): void {
    this.#stopLooking();
    this.#stopLooking = every(LOOK_MS, () => this.#look());
  }

  /** Calls `onCall` when the worker with this token calls, once. */
  expect(token: string, onCall: (caller: Caller) => void): void {
    this.#expected.set(token, onCall);
  }

  /** All workers of the program that was here before are expected: whoever calls and is not one of them is sent away. */
  allExpected(): void {
    this.#allExpected.resolve();
  }

  /** The worker with this token will not call any more. */
  forget(token: string): void {
    this.#expected.delete(token);
  }

  /** Stops listening and removes the directory. */
  close(): void {
    this.#stopLooking();
    this.#allExpected.resolve();
    for (const socket of this.#sockets) socket.close();
    this.#directory.remove();
  }

  #renew(): void {
    const { path } = this.#directory;
    const next = MasterDirectory.make(path, this.#avoid);
    this.#directory.unlock();
    this.#directory = next;
    const now = next.path === path ? "it is made again" : `${next.path} takes its place`;
    const text = `Somebody has removed or replaced the master's directory ${path}, so ${now}`;
    logLine("warning", text, { event: "directoryRenewed", directory: next.path });
  }

  #look(): void {
    try {
      this.ensureDirectory();
      this.#toldProblem = "";
    } catch (error) {
      const reason = errorText(error);
      if (reason === this.#toldProblem) return;
      this.#toldProblem = reason;
      const text = `The master's directory ${this.directory} cannot be made again: ${reason}`;
      logLine("error", text, { event: "directoryLost" });
    }
  }

  async #greet(connection: Deno.UnixConn): Promise<void> {
    const channel: WorkerChannel = new Channel(
      connection,
      decodeWorkerMessage,
      MAX_MESSAGE_BYTES,
      MOST_UNSENT_BYTES,
    );
    this.#unknown++;
    const cancel = after(HELLO_TIMEOUT_MS, () => channel.close());
    try {
      const messages = channel.receive();
      const { value } = await messages.next();
      // Workers of the program before call as soon as this one listens.
      await this.#allExpected.promise;
      const known = value?.type === "hello" && value.protocol === PROTOCOL_VERSION &&
        this.#expected.get(value.token);
      if (!known || value.type !== "hello") return channel.close();
      this.#expected.delete(value.token);
      known({ channel, hello: value, messages });
    } catch {
      // Whoever speaks nonsense here is not one of our workers.
      channel.close();
    } finally {
      this.#unknown--;
      cancel();
    }
  }
}
