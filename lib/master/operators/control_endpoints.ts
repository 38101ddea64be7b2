/**
 * Runs in the master. The ways in to a running master beside signals: sockets for `ctl`, the FIFO, and
 * watched files.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import type { MasterState } from "../../core/state.ts";
import { VERSION } from "../../version.ts";
import { UserError } from "../../errors.ts";
import { type Command, commandList, commandOfLetter } from "../../control/commands.ts";
import {
  instanceStatus,
  type Status,
  statusText,
  type WallStatus,
  workersText,
} from "../../control/status.ts";
import { lazyImport } from "../../lazy_import.ts";
import { absolutePath } from "../../system/files/absolute_path.ts";
import type { ListenPlace } from "../../system/sockets/adopted_listener.ts";
import { bindUnixFile, removeStaleSocket } from "../../system/sockets/listening_socket.ts";
import { type OwnedPath, ownPath, removeOwned } from "../../system/files/owned_path.ts";
import { acceptLoop, CANNOT_ANSWER } from "../sockets/accept_all.ts";
import { AutoReload } from "../file_triggers/auto_reload.ts";
import { logLine } from "../log.ts";
import { isLost, sayMadeAgain, sayNotMadeAgain } from "../sockets/lost_files.ts";
import { MasterFifo } from "./master_fifo.ts";
import { ControlSessions } from "./control_sessions.ts";
import type { CommandOutput, Dispatcher, OperatorsSetup } from "./command_output.ts";
import { sandboxWalls } from "../workers/worker_command.ts";

/** Only this user may call. */
const OWN_MODE = 0o600;
/** How many operators may wait to be answered. */
const BACKLOG = 1024;

/** What is open for operators. */
export class ControlEndpoints {
  readonly #operators: Dispatcher;
  readonly #setup: OperatorsSetup;
  readonly #sessions: ControlSessions;
  readonly #changes: AutoReload;
  #listener: Deno.UnixListener | null = null;
  /** Descriptor of the control socket; null: there is none, or Deno has the only one. */
  #socket: number | null = null;
  #socketFile: OwnedPath | null = null;
  #fifo: MasterFifo | null = null;
  #toldUnknown = false;
  #closed = false;

  /** Nothing is open yet. */
  constructor(operators: Dispatcher, setup: OperatorsSetup) {
    this.#operators = operators;
    this.#setup = setup;
    this.#sessions = new ControlSessions(operators, (command) => this.shown(command));
    const { control } = setup.resources;
    this.#changes = new AutoReload(() => control.ensureDirectory(), setup.report);
  }

  /** Talks with an operator. */
  begin(connection: Deno.UnixConn): void {
    this.#sessions.begin(connection);
  }

  /**
   * Opens the FIFO and the socket that are configured.
   *
   * @throws {UserError} If one cannot be opened.
   */
  async open(): Promise<void> {
    const { masterFifo, controlSocket } = this.#setup.config();
    const events = {
      onLetter: (letter: string, path: string) => this.#onLetter(letter, path),
      onProblem: (problem: string) => logLine("warning", problem, { event: "commandRefused" }),
    };
    if (controlSocket !== "") await this.#answerAt(absolutePath(controlSocket));
    if (masterFifo.length > 0) {
      const paths = masterFifo.map((path) => absolutePath(path));
      this.#fifo = new MasterFifo(this.#setup.resources.libc, paths, events);
    }
  }

  /** Makes FIFO and control socket again that somebody has removed. */
  async lookAtSockets(): Promise<void> {
    this.#fifo?.lookAgain();
    const file = this.#socketFile;
    const what = `The control-socket ${file?.path}`;
    if (this.#closed || file === null || !isLost(what, file)) return;
    this.#socketFile = null;
    try {
      this.#listener?.close();
      this.#closeSocket();
      await this.#answerAt(file.path);
      sayMadeAgain(what, file);
    } catch (error) {
      sayNotMadeAgain(what, file, error);
      this.#socketFile ??= file;
    }
  }

  async #answerAt(path: string): Promise<void> {
    this.#listener = await this.#listen(path);
    void acceptLoop(this.#listener, CANNOT_ANSWER, (connection) => this.begin(connection));
  }

  /** Watches what the configuration in use says. */
  watch(): void {
    if (!this.#closed) this.#changes.watch(this.#setup.config());
  }

  /** What a command shows. */
  async shown(command: Command): Promise<CommandOutput> {
    const { action } = command;
    if (action.kind !== "show") throw new TypeError(`${command.name} shows nothing`);
    if (action.what === "help") return { text: commandList(), value: commandList().split("\n") };
    const status = this.#status();
    if (action.what === "workers") return { text: workersText(status), value: status.slots };
    const value = action.what === "stats" ? await this.#setup.stats() : status;
    return { text: statusText(status), value };
  }

  /** Writes to the log what a command shows. */
  async show(command: Command): Promise<void> {
    const { text, value } = await this.shown(command);
    logLine("info", text, { event: command.name, value });
  }

  #status(): Status {
    const { resources, state, config, walls } = this.#setup;
    return instanceStatus(state(), {
      version: VERSION,
      pid: Deno.pid,
      script: config().script,
      directory: Deno.cwd(),
      configuration: this.#setup.configuration,
      sockets: resources.listeners.sockets.map((socket) => socket.address),
      now: performance.now(),
      count: (slot, cell) => resources.scoreboard.get(slot, cell),
      walls: [...wallsOf(config(), state()), ...walls()],
    });
  }

  async #listen(path: string): Promise<Deno.UnixListener> {
    const { libc: c, control } = this.#setup.resources;
    try {
      if (c === null) return await this.#listenByPath(path);
      // Closing a listener makes Deno remove what is at its path, whatever that is by then. So Deno gets
      // a path in the master's own directory, and the socket is put in the place of that listener.
      await removeStaleSocket(path);
      const { fd, file } = bindUnixFile(c, path, OWN_MODE);
      this.#socket = fd;
      this.#socketFile = file;
      const { openAdopted } = await lazyImport<
        typeof import("../../system/sockets/adopted_listener.ts")
      >(
        import.meta.resolve("../../system/sockets/adopted_listener.ts"),
      );
      const place = `${control.ensureDirectory()}/door.sock`;
      return openAdopted(c, { fd, address: path, backlog: BACKLOG }, place, listenAt);
    } catch (error) {
      this.#closeSocket();
      const { reasonOf } = await lazyImport<typeof import("../sockets/socket_problem.ts")>(
        import.meta.resolve("../sockets/socket_problem.ts"),
      );
      const reason = await reasonOf(error, { kind: "unix", path });
      throw new UserError("socket", `Cannot open control-socket "${path}": ${reason}`);
    }
  }

  async #listenByPath(path: string): Promise<Deno.UnixListener> {
    await removeStaleSocket(path);
    // Between bind and chmod anybody might call, so the mode comes from the mask.
    const mask = Deno.umask(0o777 - OWN_MODE);
    try {
      const listener = listenAt({ path });
      this.#socketFile = ownPath(path);
      return listener;
    } finally {
      Deno.umask(mask);
    }
  }

  #closeSocket(): void {
    if (this.#socket !== null) this.#setup.resources.libc?.close(this.#socket);
    this.#socket = null;
    if (this.#socketFile !== null) removeOwned(this.#socketFile);
    this.#socketFile = null;
  }

  #onLetter(letter: string, path: string): void {
    const command = commandOfLetter(letter);
    if (command !== undefined) {
      return this.#operators.command(command.name, `"${letter}" in ${path}`);
    }
    // `echo c > FILE` ends in a line break; of anything else once is enough.
    if (this.#toldUnknown || /\s/.test(letter)) return;
    this.#toldUnknown = true;
    const text = `${path} got ${JSON.stringify(letter)}, which is no command: ` +
      "such bytes are ignored from now on without a word";
    logLine("warning", text, { event: "unknownLetter", letter });
  }

  /** Closes everything; who waits for an answer gets it first. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#changes.close();
    this.#fifo?.close();
    this.#listener?.close();
    this.#listener = null;
    this.#closeSocket();
    await this.#sessions.end();
  }
}

/** The walls around the workers whose scripts run. */
function wallsOf(config: Config, { workers }: MasterState): readonly WallStatus[] {
  const pids = workers.filter(({ acceptedAt }) => acceptedAt !== null).map(({ pid }) => pid);
  return sandboxWalls(config, pids.filter((pid) => pid !== null));
}

function listenAt(place: ListenPlace): Deno.UnixListener {
  if (!("path" in place)) throw new TypeError("A control socket is a Unix socket");
  return Deno.listen({ transport: "unix", path: place.path });
}
