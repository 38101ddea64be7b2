/**
 * Runs in the master. Its conversations with operators: one request after the other, each answered
 * before the next is looked at. Nothing a client does, or leaves undone, can hold up anything else.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import { type Command, COMMANDS, findCommand, hasVerdict } from "../../control/commands.ts";
import {
  type CommandAnswer,
  decodeRequest,
  MAX_REQUEST_BYTES,
  type Request,
} from "../../control/message.ts";
import { nearestName } from "../../nearest_name.ts";
import { Channel } from "../../protocol/channel.ts";
import { fulfilledWithin, pause } from "../../system/timing.ts";
import type { CommandOutput, Dispatcher } from "./command_output.ts";

/** More clients than this at a time are sent away. */
export const MOST_SESSIONS = 32;

/** How long a client may take for a request, and for reading an answer (10 s). */
const PATIENCE_MS = 10_000;
/** How long a client may take to read its last answer when the master ends (1 s). */
const LAST_PATIENCE_MS = 1_000;

/** What goes beyond it helps nobody. */
const LONGEST_ERROR = 1000;

type Client = Channel<Request, CommandAnswer>;

/** All conversations. */
export class ControlSessions {
  readonly #operators: Dispatcher;
  readonly #shown: (command: Command) => Promise<CommandOutput>;
  readonly #clients = new Set<Client>();

  /** Takes who is commanded, and what commands show. */
  constructor(operators: Dispatcher, shown: (command: Command) => Promise<CommandOutput>) {
    this.#operators = operators;
    this.#shown = shown;
  }

  /** Talks with a client. */
  begin(connection: Deno.UnixConn): void {
    const client: Client = new Channel(connection, decodeRequest, MAX_REQUEST_BYTES);
    void this.#serve(client);
  }

  /** Lets everybody read what was said, and ends all conversations. */
  async end(): Promise<void> {
    // Whoever got a verdict just now has to be told first.
    await pause(0);
    const clients = [...this.#clients];
    await Promise.all(clients.map((client) => fulfilledWithin(client.flush(), LAST_PATIENCE_MS)));
    for (const client of clients) client.close();
  }

  async #serve(client: Client): Promise<void> {
    try {
      await this.#talk(client);
    } catch (error) {
      const text = errorText(error);
      await this.#say(client, { type: "error", text: text.slice(0, LONGEST_ERROR) });
    } finally {
      this.#clients.delete(client);
      client.close();
    }
  }

  async #talk(client: Client): Promise<void> {
    if (this.#clients.size >= MOST_SESSIONS) {
      throw new Error(`${MOST_SESSIONS} clients talk to this master already: try again later`);
    }
    this.#clients.add(client);
    const requests = client.receive();
    let next = requests.next();
    while (true) {
      if (!await fulfilledWithin(next, PATIENCE_MS)) {
        throw new Error(`No request within ${PATIENCE_MS / 1000} s`);
      }
      const { value, done } = await next;
      if (done === true) return;
      // Reading on while it waits tells when the client goes.
      next = requests.next();
      const ended = endOf(next);
      if (!await this.#answer(client, value, ended)) return;
    }
  }

  /** Answers one request; false: the client is gone, or does not read. */
  async #answer(client: Client, request: Request, ended: Promise<null>): Promise<boolean> {
    const command = findCommand(request.command);
    if (command === undefined) throw new Error(unknown(request.command));
    if (command.argument === "" && request.argument !== null) {
      throw new Error(`${command.name} takes no argument`);
    }
    if (command.action.kind === "show") {
      return await this.#say(client, { type: "result", ...await this.#shown(command) });
    }
    const wait = request.wait && hasVerdict(command);
    const order = { argument: request.argument, why: "ctl" };
    const { text, generation, verdict } = this.#operators.take(command, order, wait);
    if (!await this.#say(client, { type: "accepted", text, pid: Deno.pid, generation })) {
      return false;
    }
    if (verdict === null) return true;
    const outcome = await Promise.race([verdict, ended]);
    if (outcome === null) return false;
    const stops = command.name === "stop" || command.name === "kill";
    return await this.#say(client, { type: "verdict", verdict: outcome, stops });
  }

  /** False if the client does not read it in time. */
  #say(client: Client, answer: CommandAnswer): Promise<boolean> {
    client.send(answer);
    return fulfilledWithin(client.flush(), PATIENCE_MS);
  }
}

/** Null when the other end is gone, or speaks nonsense; never, as long as it goes on. */
function endOf(next: Promise<IteratorResult<Request>>): Promise<null> {
  return new Promise((resolve) => {
    next.then(({ done }) => {
      if (done === true) resolve(null);
    }, () => resolve(null));
  });
}

function unknown(name: string): string {
  const shown = name.length > 80 ? `${name.slice(0, 80)}…` : name;
  const nearest = nearestName(name, COMMANDS.map((command) => command.name));
  const advice = nearest === null ? "help lists all commands" : `did you mean "${nearest}"?`;
  return `Unknown command "${shown}": ${advice}`;
}
