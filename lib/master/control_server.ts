/**
 * Runs in the master. The Unix socket that workers call to get their control pipe. It lies in a
 * directory that only this user may enter, and a caller must know the token of a worker that is
 * expected.
 *
 * @module
 */

import { Channel } from "../protocol/channel.ts";
import {
  decodeWorkerMessage,
  type MasterMessage,
  PROTOCOL_VERSION,
  type WorkerMessage,
} from "../protocol/message.ts";
import { exists } from "../system/owned_path.ts";
import { after } from "../system/timing.ts";
import { acceptAll } from "./accept_all.ts";

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

/** Answers the calls of workers. */
export class ControlServer {
  /** The directory that the master has for itself; it holds the socket and the import maps. */
  readonly directory: string;
  /** Path of the socket. */
  readonly path: string;
  readonly #listener: Deno.UnixListener;
  readonly #lock: Deno.FsFile;
  readonly #expected = new Map<string, (caller: Caller) => void>();

  /**
   * Begins to listen in a new directory, or in that of the program that was here before; if somebody has
   * removed it, the workers of that program do not find this one, and leave when they notice.
   */
  constructor(before?: string) {
    this.directory = before !== undefined && exists(before) ? before : makePrivateDirectory();
    this.path = `${this.directory}/control.sock`;
    this.#lock = keepFromCleaners(this.directory);
    // Whoever was started with the files in it has read them.
    for (const { name, isDirectory } of Deno.readDirSync(this.directory)) {
      // The cache of the user of `uid` stays.
      if (!isDirectory) Deno.removeSync(`${this.directory}/${name}`);
    }
    this.#listener = Deno.listen({ transport: "unix", path: this.path });
    void this.#accept();
  }

  /** Calls `onCall` when the worker with this token calls, once. */
  expect(token: string, onCall: (caller: Caller) => void): void {
    this.#expected.set(token, onCall);
  }

  /** The worker with this token will not call any more. */
  forget(token: string): void {
    this.#expected.delete(token);
  }

  /** Stops listening and removes the directory. */
  close(): void {
    this.#listener.close();
    this.#lock.close();
    if (exists(this.directory)) Deno.removeSync(this.directory, { recursive: true });
  }

  async #accept(): Promise<void> {
    await acceptAll(this.#listener, "Cannot take the call of a worker", (connection) => {
      void this.#greet(connection);
    });
  }

  async #greet(connection: Deno.UnixConn): Promise<void> {
    const channel: WorkerChannel = new Channel(connection, decodeWorkerMessage);
    const cancel = after(HELLO_TIMEOUT_MS, () => channel.close());
    try {
      const messages = channel.receive();
      const { value } = await messages.next();
      const known = value?.type === "hello" && value.protocol === PROTOCOL_VERSION &&
        this.#expected.get(value.token);
      if (!known || value.type !== "hello") return channel.close();
      this.#expected.delete(value.token);
      known({ channel, hello: value, messages });
    } catch {
      // Whoever speaks nonsense here is not one of our workers.
      channel.close();
    } finally {
      cancel();
    }
  }
}

/** `sun_path` has 108 bytes (unix(7)); a long TMPDIR does not leave enough of them. */
const LONGEST_DIRECTORY = 80;

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

function makePrivateDirectory(): string {
  const directory = Deno.makeTempDirSync({ prefix: "duwsgi-" });
  if (directory.length <= LONGEST_DIRECTORY) return directory;
  Deno.removeSync(directory);
  return Deno.makeTempDirSync({ dir: "/tmp", prefix: "duwsgi-" });
}
